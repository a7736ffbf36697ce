import type { Content, Image } from './images.ts'

export interface PushTarget {
  readonly registry: string
  readonly realm: string
  readonly service: string
  readonly username: string
  readonly password: string
}

/** Pushes byte for byte, which no client promises: they may compress or convert. */
export async function pushImage(target: PushTarget, image: Image): Promise<void> {
  const { repository, tag, blobs, manifests, digest } = image
  const authorization = `Bearer ${await getToken(target, repository)}`
  const root = `${target.registry}/v2/${repository}`
  for (const blob of blobs) await pushBlob(root, blob, authorization)
  for (const manifest of manifests) {
    const reference = manifest.digest === digest ? tag : manifest.digest
    await send(`${root}/manifests/${reference}`, 'PUT', authorization, manifest)
  }
}

async function pushBlob(root: string, blob: Content, authorization: string): Promise<void> {
  const upload = await send(`${root}/blobs/uploads/`, 'POST', authorization)
  const location = new URL(upload.headers.get('location') ?? '', root)
  location.searchParams.set('digest', blob.digest)
  const content = { mediaType: 'application/octet-stream', bytes: blob.bytes }
  await send(location.href, 'PUT', authorization, content)
}

async function getToken(target: PushTarget, repository: string): Promise<string> {
  const url = new URL(target.realm)
  url.searchParams.set('service', target.service)
  url.searchParams.set('scope', `repository:${repository}:pull,push`)
  const basic = Buffer.from(`${target.username}:${target.password}`).toString('base64')
  const answer = await send(url.href, 'GET', `Basic ${basic}`)
  const { token } = (await answer.json()) as { readonly token: string }
  return token
}

async function send(
  url: string,
  method: string,
  authorization: string,
  body?: Pick<Content, 'mediaType' | 'bytes'>,
): Promise<Response> {
  const answer = await fetch(url, {
    method,
    headers: { authorization, ...(body && { 'content-type': body.mediaType }) },
    ...(body && {
      body: new Uint8Array(
        body.bytes.buffer as ArrayBuffer,
        body.bytes.byteOffset,
        body.bytes.byteLength,
      ),
    }),
    signal: AbortSignal.timeout(30_000),
  })
  if (answer.ok) return answer
  throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`)
}
