import type { Credentials, EndpointConfig } from './config.ts'
import type { KeyPath, Report } from './mistakes.ts'
import type { GivenAccount, GivenEndpoint } from './schema.ts'
import type { List } from './values.ts'

/** The failover chain in its order; undefined where the document has none. */
export function toEndpoints(
  given: List<GivenEndpoint> | undefined,
  path: KeyPath,
  publicUrl: string | undefined,
  report: Report,
): readonly EndpointConfig[] | undefined {
  if (given?.length === 0) report.add(path, 'is empty: add an endpoint or remove the key')
  return given?.flatMap((endpoint, index) => {
    if (endpoint === undefined) return []
    const at = [...path, index]
    const credentials = toCredentials(endpoint, at, report)
    const accounts = toAccounts(endpoint.accounts ?? [], [...at, 'accounts'], report)
    if (endpoint.url === undefined) {
      if (!report.isWrong([...at, 'url']))
        report.add([...at, 'url'], 'is missing: every endpoint needs one')
      return []
    }
    if (endpoint.url === `${publicUrl}/v2`) {
      report.add([...at, 'url'], 'is this mirror itself (publicUrl): name the registry behind it')
    }
    return [{ url: endpoint.url, credentials, accounts }]
  })
}

/** An account whose user name and password are both empty is none: its variables are not set. */
function toAccounts(
  given: List<GivenAccount>,
  path: KeyPath,
  report: Report,
): readonly Credentials[] {
  return given.flatMap((account, index) => {
    const credentials = account && toCredentials(account, [...path, index], report)
    return credentials ? [credentials] : []
  })
}

function toCredentials(
  { username, password }: GivenAccount,
  path: KeyPath,
  report: Report,
): Credentials | undefined {
  if (username !== undefined && password !== undefined) return { username, password }
  const [present, absent] =
    username === undefined ? ['password', 'username'] : ['username', 'password']
  const isHalf = username !== undefined || password !== undefined
  if (isHalf && !report.isWrong([...path, absent])) {
    report.add(
      [...path, present],
      `needs a ${absent} beside it that is not empty: give both or none`,
    )
  }
  return undefined
}
