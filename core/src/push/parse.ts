import type { Digest } from '../ports.ts'
import { findRoot, splitNamespace, splitUrl, type Target } from '../request/parse.ts'
import { parseDigest, parseReference, type Reference } from '../request/reference.ts'
import type { Named } from '../route.ts'

/** What is written, below a repository's name. */
export type PushTarget =
  | { readonly kind: 'uploads' }
  /** `rest` is what follows `/blobs/uploads/`, as an upstream's Location had it or in a form of ours. */
  | { readonly kind: 'upload'; readonly rest: string }
  | { readonly kind: 'manifest'; readonly reference: Reference }
  | { readonly kind: 'blob'; readonly digest: Digest }

export type PushMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One step of a push, or a delete; which upstream it means is not decided yet. */
export interface Push extends Named {
  readonly method: PushMethod
  readonly target: PushTarget
  /** Without `ns`; opaque, but for `mount` and `from`. */
  readonly query: string
  /** The repository to mount from, as the client names it. */
  readonly mountFrom: string | undefined
}

/** What a client needs to be allowed for it. */
export function actionsOf({ method, target }: Push): readonly string[] {
  const isDelete = method === 'DELETE' && target.kind !== 'upload'
  return isDelete ? ['pull', 'push', 'delete'] : ['pull', 'push']
}

/** What of an image it is about, as far as rules tell images apart: of a blob, all of the repository. */
export function shownTarget({ target }: Push): Target {
  return target.kind === 'manifest' || target.kind === 'blob' ? target : { kind: 'tags' }
}

const methodsOf: Readonly<Record<PushTarget['kind'], ReadonlySet<string>>> = {
  uploads: new Set(['POST']),
  upload: new Set(['GET', 'PATCH', 'PUT', 'DELETE']),
  manifest: new Set(['PUT', 'DELETE']),
  blob: new Set(['DELETE']),
}

const uploads = '/blobs/uploads'

/** Reads a request that writes, or asks for an upload's state; undefined for every other one. */
export function parsePush(request: Request): Push | undefined {
  const { method, url } = request
  if ((method === 'GET' && !url.includes(uploads)) || method === 'HEAD') return undefined
  const { host, path, query } = splitUrl(url)
  const root = findRoot(path)
  const found = root && parseTarget(root.rest)
  if (!found || !isMethod(method, found.target.kind)) return undefined
  const { namespace, others } = splitNamespace(query)
  const from = new URLSearchParams(others).get('from')
  const mountFrom = from !== null && /^[\w.:/-]{1,400}$/.test(from) ? from : undefined
  return { ...found, method, prefix: root.prefix, namespace, host, query: others, mountFrom }
}

function isMethod(method: string, kind: PushTarget['kind']): method is PushMethod {
  return methodsOf[kind].has(method)
}

function parseTarget(rest: string): Pick<Push, 'name' | 'target'> | undefined {
  const start = rest.lastIndexOf(uploads)
  if (start > 0) {
    const name = rest.slice(0, start)
    const after = rest.slice(start + uploads.length)
    if (after === '' || after === '/') return { name, target: { kind: 'uploads' } }
    if (after.startsWith('/')) return { name, target: { kind: 'upload', rest: after.slice(1) } }
  }
  const [, name, kind, last] = /^(.+)\/(manifests|blobs)\/([^/]+)$/.exec(rest) ?? []
  if (name === undefined || last === undefined) return undefined
  const target: PushTarget =
    kind === 'manifests'
      ? { kind: 'manifest', reference: parseReference(last) }
      : { kind: 'blob', digest: parseDigest(last) }
  return { name, target }
}
