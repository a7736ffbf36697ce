import { RegistryError } from '../errors.ts'
import type { Upstream } from './upstream.ts'
import type { Asked } from './verdict.ts'

/** Whose rights a question uses, instead of the operator's. */
export interface Asker {
  /** Equal for equal rights, and no secret: callers share only what is kept under the same key. */
  readonly key: string
  /**
   * `caller`: the header, which may be absent, is all that the endpoint gets. `nobody`: the endpoint's own dance,
   * without the operator's credentials.
   */
  readonly rights:
    { readonly kind: 'caller'; readonly header: string | undefined } | { readonly kind: 'nobody' }
}

export const nobody: Asker = { key: 'nobody', rights: { kind: 'nobody' } }

/** The same upstream, asked with the rights of somebody else. */
export function askAs(upstream: Upstream, asker: Asker): Upstream {
  return {
    ...upstream,
    askerKey: asker.key,
    ask: (question, take) => upstream.ask({ ...question, asker }, take),
  }
}

/** What a refusal means when it is the caller's own account that was refused. */
export function toCallerVerdict(verdict: Error, status: number, asked: Asked): Error {
  if (!(verdict instanceof RegistryError) || verdict.code !== 'DENIED') return verdict
  const { upstream, repository } = asked
  return status === 401
    ? new RegistryError(
        'UNAUTHORIZED',
        `${upstream} does not let you pull ${repository}: log in with an account there that may`,
      )
    : new RegistryError('DENIED', `${upstream} refuses ${repository} to your account there`)
}
