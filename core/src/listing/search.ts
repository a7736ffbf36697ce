import type { Answer } from '../answer.ts'
import type { UpstreamConfig } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import { decodeJson, isObject } from '../json.ts'
import { completeName } from '../route.ts'
import { readBytes } from '../upstream/body.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { discard } from '../upstream/body.ts'

const maxSearchBytes = 4 * 1024 * 1024
const maxTermLength = 256

export interface SearchQuestion {
  readonly query: string
  readonly upstream: Upstream | undefined
  readonly deadline: number
  /** Whether the caller may pull something of what was found. */
  readonly isShown: (upstream: UpstreamConfig, repository: string) => boolean
}

/** Docker's v1 search (`docker search <mirror>/<term>`): `library/` is taken off, n and page are kept. */
export async function search({
  query,
  upstream,
  deadline,
  isShown,
}: SearchQuestion): Promise<Answer> {
  const base = upstream?.config.search
  if (!upstream || base === undefined) {
    throw new RegistryError('UNSUPPORTED', 'none of this mirror’s registries has a search', {
      status: 404,
    })
  }
  const url = toSearchUrl(base, query)
  return upstream.askElsewhere(url, deadline, async (response, signal) => {
    const failed = (what: string): UpstreamTrouble =>
      new UpstreamTrouble(
        upstream.config.name,
        response.status === 429 ? 'rate-limited' : 'server-error',
        what,
      )
    if (response.status !== 200) {
      await discard(response)
      throw failed(`its search answered ${String(response.status)}`)
    }
    const found = await readBytes(response, maxSearchBytes, signal)
    const result = found && decodeJson(found)
    if (!found || result === undefined) throw failed('its search sent something that is no result')
    const isServed = (name: string): boolean =>
      isShown(upstream.config, completeName(upstream.config, name))
    const bytes = withoutHidden(found, result, isServed)
    const headers = {
      'content-type': 'application/json',
      'content-length': String(bytes.byteLength),
    }
    return { status: 200, headers, body: bytes, outcome: 'pass' }
  })
}

/** The count stays that of the upstream: pages are cut by it. */
function withoutHidden(
  bytes: Uint8Array<ArrayBuffer>,
  result: unknown,
  isServed: (name: string) => boolean,
): Uint8Array<ArrayBuffer> {
  if (!isObject(result) || !Array.isArray(result['results'])) return bytes
  const all: readonly unknown[] = result['results']
  const results = all.filter(
    (found) => !isObject(found) || typeof found['name'] !== 'string' || isServed(found['name']),
  )
  if (results.length === all.length) return bytes
  return new TextEncoder().encode(JSON.stringify({ ...result, results }))
}

function toSearchUrl(base: string, query: string): URL {
  const given = new URLSearchParams(query)
  const url = new URL(`${base}/v1/search`)
  // The index knows official images by their bare names only (registries.md, section 2.6).
  url.searchParams.set(
    'q',
    (given.get('q') ?? '').slice(0, maxTermLength).replace(/^library\//, ''),
  )
  for (const name of ['n', 'page']) {
    const value = given.get(name)
    if (value !== null && /^\d{1,6}$/.test(value)) url.searchParams.set(name, value)
  }
  return url
}
