import { createHash, randomUUID } from 'node:crypto'
import { storedIn, type Call, type Registry, type Stored } from './registry.ts'
import { userOf } from './realm.ts'

/** The registry API, writing included, for whom it lets in. */
export function answerApi(registry: Registry, call: Call): Response {
  const { pathname } = call.url
  const { scheme } = registry.settings
  if (pathname === '/v2/')
    return scheme === 'open' || isKnown(registry, call) ? Response.json({}) : refuse(registry)
  const [, name, rest] =
    /^\/v2\/(.+?)\/((?:manifests|blobs|tags|referrers)\/.*)$/.exec(pathname) ?? []
  if (name === undefined || rest === undefined) return onElsewhere(registry, call)
  const action = actionOf(call.method, rest)
  if (!mayDo(registry, call, name, action)) return refuse(registry, `repository:${name}:${action}`)
  const from = call.url.searchParams.get('from')
  if (from !== null && !mayDo(registry, call, from, 'pull'))
    return refuse(registry, `repository:${from}:pull`)
  return rest.startsWith('blobs/uploads')
    ? answerUpload(registry, call, name, rest.slice('blobs/uploads/'.length))
    : answerContent(registry, call, name, rest)
}

/** An upload that the registry has sent to a place of its own. */
function onElsewhere(registry: Registry, call: Call): Response {
  const id = call.url.pathname.split('/').at(-1) ?? ''
  const upload = registry.uploads.get(id)
  return upload
    ? answerUpload(registry, call, upload.repository, id)
    : fail(404, 'NAME_UNKNOWN', 'no such path')
}

function actionOf(method: string, rest: string): string {
  if (method === 'DELETE' && !rest.includes('uploads')) return 'delete'
  return method === 'HEAD' || (method === 'GET' && !rest.includes('uploads')) ? 'pull' : 'push'
}

function isKnown({ settings, tokens }: Registry, { headers }: Call): boolean {
  const header = headers.get('authorization') ?? ''
  if (settings.scheme === 'bearer') return tokens.has(header.replace('Bearer ', ''))
  const user = userOf(settings.passwords, headers)
  return user !== undefined && user !== 'wrong'
}

function mayDo({ settings, tokens }: Registry, call: Call, name: string, action: string): boolean {
  if (settings.scheme === 'open') return true
  if (settings.scheme === 'basic') {
    const user = userOf(settings.passwords, call.headers)
    return user !== undefined && user !== 'wrong' && settings.mayDo(user, name, action)
  }
  const token = (call.headers.get('authorization') ?? '').replace('Bearer ', '')
  return tokens.get(token)?.rights.has(`${name}:${action}`) === true
}

function refuse({ settings }: Registry, scope?: string): Response {
  const error = scope === undefined ? '' : `,scope="${scope}",error="insufficient_scope"`
  const challenge =
    settings.scheme === 'basic'
      ? 'Basic realm="Registry"'
      : `Bearer realm="${settings.realm}",service="registry.test"${error}`
  const answer = fail(401, 'UNAUTHORIZED', 'authentication required')
  answer.headers.set('www-authenticate', challenge)
  return answer
}

function answerUpload(registry: Registry, call: Call, name: string, id: string): Response {
  const { uploads } = registry
  const stored = storedIn(registry, name)
  const digest = call.url.searchParams.get('digest')
  if (call.method === 'POST') return begin(registry, call, name)
  const upload = uploads.get(id)
  if (!upload || upload.repository !== name)
    return fail(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry')
  if (call.method === 'DELETE') {
    uploads.delete(id)
    return new Response(null, { status: 204 })
  }
  upload.bytes = Buffer.concat([upload.bytes, call.body])
  if (call.method !== 'PUT') return uploadAt(registry, name, id, call.method === 'GET' ? 204 : 202)
  if (digest !== digestOf(upload.bytes))
    return fail(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content')
  stored.blobs.set(digest, upload.bytes)
  uploads.delete(id)
  return created(`/v2/${name}/blobs/${digest}`, digest)
}

function begin(registry: Registry, call: Call, name: string): Response {
  const query = call.url.searchParams
  const mount = query.get('mount') ?? ''
  const source = registry.repositories.get(query.get('from') ?? '')?.blobs.get(mount)
  if (source) {
    storedIn(registry, name).blobs.set(mount, source)
    return created(`/v2/${name}/blobs/${mount}`, mount)
  }
  const id = randomUUID()
  registry.uploads.set(id, { repository: name, bytes: Buffer.alloc(0) })
  return uploadAt(registry, name, id, 202)
}

function uploadAt(registry: Registry, name: string, id: string, status: number): Response {
  const { length } = registry.uploads.get(id)?.bytes ?? { length: 0 }
  const location = registry.settings.locate(`/v2/${name}/blobs/uploads/${id}?_state=a%2Fb%3D%3D`)
  const headers = { location, range: `0-${String(Math.max(0, length - 1))}` }
  return new Response(null, { status, headers: { ...headers, 'docker-upload-uuid': id } })
}

function created(location: string, digest: string): Response {
  return new Response(null, {
    status: 201,
    headers: { location: `https://registry.test${location}`, 'docker-content-digest': digest },
  })
}

function answerContent(registry: Registry, call: Call, name: string, rest: string): Response {
  const stored = storedIn(registry, name)
  const [kind = '', reference = ''] = rest.split('/')
  if (kind === 'tags') return Response.json({ name, tags: [...stored.tags.keys()] })
  if (kind === 'manifests' && call.method === 'PUT')
    return putManifest(stored, call, name, reference)
  const digest = stored.tags.get(reference) ?? reference
  if (call.method === 'DELETE') {
    const isGone =
      stored.tags.delete(reference) ||
      stored.manifests.delete(digest) ||
      stored.blobs.delete(digest)
    return isGone ? new Response(null, { status: 202 }) : fail(404, 'MANIFEST_UNKNOWN', 'unknown')
  }
  const manifest = kind === 'manifests' ? stored.manifests.get(digest) : undefined
  const bytes = manifest?.bytes ?? (kind === 'blobs' ? stored.blobs.get(digest) : undefined)
  if (!bytes) {
    const code = kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN'
    return fail(404, code, 'unknown to registry')
  }
  return new Response(call.method === 'HEAD' ? null : new Uint8Array(bytes), {
    headers: {
      'content-type': manifest?.mediaType ?? 'application/octet-stream',
      'content-length': String(bytes.length),
      'docker-content-digest': digest,
    },
  })
}

function putManifest(stored: Stored, call: Call, name: string, reference: string): Response {
  const digest = digestOf(call.body)
  const mediaType = call.headers.get('content-type') ?? ''
  stored.manifests.set(digest, { mediaType, bytes: call.body })
  if (!reference.includes(':')) stored.tags.set(reference, digest)
  return created(`/v2/${name}/manifests/${reference}`, digest)
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function fail(status: number, code: string, message: string): Response {
  return Response.json({ errors: [{ code, message }] }, { status })
}
