import type { Target } from '../request/parse.ts'
import { formatReference } from '../request/reference.ts'
import type { Asker } from './asker.ts'
import type { Follow, Hop } from './exchange.ts'

/** One question to an upstream, in the registry API's terms. */
export interface Question {
  readonly method: 'GET' | 'HEAD'
  readonly repository: string
  readonly target: Target
  /** When the answer must be there, epoch milliseconds. */
  readonly deadline: number
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses beside 200 that the asker wants to see; others become a verdict. */
  readonly alsoTake?: readonly number[]
  /** Which redirects to follow; all by default. */
  readonly follow?: Follow
  /** Instead of the operator. */
  readonly asker?: Asker
}

/** Tells that what an endpoint has sent was no good after all, in a few words. */
export type Blame = (what: string) => void

/** What is done with an answer before the deadline; a body that is not read here may be read for longer. */
export type Take<T> = (
  response: Response,
  signal: AbortSignal,
  from: URL,
  blame: Blame,
) => Promise<T> | T

/** Docker Hub counts GETs of manifests; HEADs and blobs are free (registries.md, section 2.5). */
export function isCounted({ method, target }: Question): boolean {
  return method === 'GET' && target.kind === 'manifest'
}

export function isByDigest({ target }: Question): boolean {
  if (target.kind === 'manifest') return target.reference.type === 'digest'
  return target.kind === 'blob'
}

/** What an endpoint's path puts before names: `proxy/` of https://harbor.example.com/v2/proxy. */
export function projectOf(root: string): string {
  const project = /^(?:\/.*?)?\/v2\/(.+)$/.exec(new URL(root).pathname)?.[1]
  return project === undefined ? '' : `${project}/`
}

/** The question as it is put to an endpoint. */
export function toHop(root: string, { method, repository, target, query, headers }: Question): Hop {
  const search = query === undefined || query === '' ? '' : `?${query}`
  const url = new URL(`${root}/${repository}/${pathOf(target)}${search}`)
  return { method, url, headers: headers ?? {} }
}

function pathOf(target: Target): string {
  switch (target.kind) {
    case 'manifest':
      return `manifests/${formatReference(target.reference)}`
    case 'blob':
      return `blobs/${target.digest}`
    case 'referrers':
      return `referrers/${target.digest}`
    case 'tags':
      return 'tags/list'
  }
}
