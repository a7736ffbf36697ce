import type { Answer } from '../answer.ts'
import { decodeJson, isObject } from '../json.ts'
import type { Pull } from '../request/parse.ts'
import type { Route } from '../route.ts'
import { readBytes } from '../upstream/body.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** Docker Hub gives all tags at once; the longest lists are some hundred thousand tags. */
const maxListBytes = 16 * 1024 * 1024

/** The upstream's tag list, page by page; its paging stays opaque and its links lead to us. */
export async function listTags(
  pull: Pull,
  route: Route,
  upstream: Upstream,
  deadline: number,
): Promise<Answer> {
  const { repository } = route
  const { bytes, link } = await upstream.ask(
    {
      method: 'GET',
      repository,
      target: { kind: 'tags' },
      deadline,
      query: pull.query,
      headers: { accept: 'application/json' },
    },
    async (response, signal) => {
      const bytes = await readBytes(response, maxListBytes, signal)
      if (bytes && isTagList(bytes)) return { bytes, link: response.headers.get('link') }
      throw new UpstreamTrouble(
        upstream.config.name,
        'server-error',
        'it sent something that is no tag list',
      )
    },
  )
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(bytes.byteLength),
  }
  const next = nextPage(link, pull)
  if (next !== undefined) headers['link'] = next
  return { status: 200, headers, body: bytes, outcome: 'pass' }
}

/**
 * Our own link to the page that an upstream's Link header names: the cursor is its query, which must be
 * taken as it is (registries.md, section 0.11), below the path by which the client asked.
 */
export function nextPage(link: string | null, pull: Pull): string | undefined {
  const target = link === null ? undefined : /<([^<>]*)>\s*;[^,]*\brel="?next"?/i.exec(link)?.[1]
  const query = target === undefined ? undefined : /\?([^#\s]*)/.exec(target)?.[1]
  if (query === undefined) return undefined
  const namespace = pull.namespace === undefined ? '' : `&ns=${encodeURIComponent(pull.namespace)}`
  if (pull.isSecret) return `<?${query}${namespace}>; rel="next"`
  const root = pull.prefix === undefined ? '/v2' : `/${pull.prefix}/v2`
  return `<${root}/${pull.name}/tags/list?${query}${namespace}>; rel="next"`
}

function isTagList(bytes: Uint8Array): boolean {
  const list = decodeJson(bytes)
  return isObject(list) && 'tags' in list
}
