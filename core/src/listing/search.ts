import type { Answer } from '../answer.ts'
import { RegistryError } from '../errors.ts'
import { decodeJson } from '../json.ts'
import { readBytes } from '../upstream/body.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { discard } from '../upstream/body.ts'

const maxSearchBytes = 4 * 1024 * 1024
const maxTermLength = 256

/** Docker's v1 search (`docker search <mirror>/<term>`): `library/` is taken off, n and page are kept. */
export async function search(
  query: string,
  upstream: Upstream | undefined,
  deadline: number,
): Promise<Answer> {
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
    const bytes = await readBytes(response, maxSearchBytes, signal)
    if (!bytes || decodeJson(bytes) === undefined)
      throw failed('its search sent something that is no result')
    const headers = {
      'content-type': 'application/json',
      'content-length': String(bytes.byteLength),
    }
    return { status: 200, headers, body: bytes, outcome: 'pass' }
  })
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
