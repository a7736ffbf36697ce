import { FetchError } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import {
  buildImage,
  buildMultiArch,
  createFakeRegistry,
  digestOf,
  mediaTypes,
  type FakeRegistry,
  type Settings,
} from '../fakes/registry/index.ts'
import { kubernetes } from '../fakes/registry/profiles/kubernetes.ts'

const image = buildMultiArch({ seed: 7 })
const [amd64] = image.manifests.slice(1)
const blob = image.blobs[0]!
const everything = Object.values(mediaTypes).join(', ')
const manifestUrl = 'https://registry.test/v2/owner/name/manifests/latest'
const blobUrl = `https://registry.test/v2/owner/name/blobs/${blob.digest}`

function filled(settings: Settings): FakeRegistry {
  const fake = createFakeRegistry({ access: 'open', ...settings })
  fake.push('owner/name', 'latest', image)
  return fake
}

function send(
  fake: FakeRegistry,
  url: string,
  headers: Record<string, string> = {},
  init: RequestInit = {},
): Promise<Response> {
  const request = new Request(url, { headers: { accept: everything, ...headers }, ...init })
  return fake.fetch(request, { network: 'any' })
}

describe('images', () => {
  test('are the same for the same seed, and others for another', () => {
    expect(buildMultiArch({ seed: 7 }).root.digest).toBe(image.root.digest)
    expect(buildMultiArch({ seed: 8 }).root.digest).not.toBe(image.root.digest)
  })

  test('an index names each platform and, behind it, its attestation', () => {
    const index = JSON.parse(new TextDecoder().decode(image.root.bytes)) as {
      manifests: { digest: string; platform: { architecture: string } }[]
    }
    expect(index.manifests.map(({ platform }) => platform.architecture)).toEqual([
      'amd64',
      'unknown',
      'arm64',
      'unknown',
    ])
    expect(index.manifests[0]!.digest).toBe(amd64!.digest)
  })

  test('a Docker list loses its digest when it is printed again', () => {
    const list = buildMultiArch({ format: 'docker' }).root
    const text = JSON.stringify(JSON.parse(new TextDecoder().decode(list.bytes)))
    expect(list.mediaType).toBe(mediaTypes.dockerList)
    expect(digestOf(new TextEncoder().encode(text))).not.toBe(list.digest)
  })

  test('sha512 goes all the way down', () => {
    const { manifests, blobs } = buildImage({ algorithm: 'sha512' })
    for (const { digest, bytes } of [...manifests, ...blobs]) {
      expect(digest).toBe(digestOf(bytes, 'sha512'))
    }
  })
})

test('a token opens its own repository until it expires', async () => {
  let now = 0
  const fake = createFakeRegistry({ access: 'token' }, { clock: { now: () => now } })
  fake.push('owner/name', 'latest', image)
  fake.push('owner/other', 'latest', image)
  const challenged = await send(fake, manifestUrl)
  expect(challenged.status).toBe(401)
  expect(challenged.headers.get('www-authenticate')).toContain('scope="repository:owner/name:pull"')

  const realm = 'https://auth.registry.test/token?service=registry.test'
  const answer = await send(fake, `${realm}&scope=repository%3Aowner%2Fname%3Apull`)
  const { token } = (await answer.json()) as { token: string }
  const withToken = { authorization: `Bearer ${token}` }
  expect((await send(fake, manifestUrl, withToken)).status).toBe(200)
  expect((await send(fake, manifestUrl.replace('name', 'other'), withToken)).status).toBe(401)
  now = 300_000
  const expired = await send(fake, manifestUrl, withToken)
  expect(expired.status).toBe(401)
  expect(expired.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
})

test('a private repository opens with the right credentials only', async () => {
  const fake = createFakeRegistry({ access: 'token', users: { alice: 'secret' } })
  fake.push('owner/name', 'latest', image, { isPrivate: true })
  const url = 'https://auth.registry.test/token?scope=repository:owner/name:pull'
  const ask = (init: RequestInit): Promise<Response> => send(fake, url, {}, init)
  const basic = (text: string): RequestInit => ({
    headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` },
  })
  const post = {
    method: 'POST',
    body: 'username=alice&password=secret&scope=repository:owner/name:pull',
  }
  const statuses: [RequestInit, number, number][] = [
    [{}, 200, 401],
    [basic('alice:wrong'), 401, 401],
    [basic('alice:secret'), 200, 200],
    [post, 200, 200],
  ]
  for (const [init, tokenStatus, status] of statuses) {
    const answer = await ask(init)
    expect(answer.status).toBe(tokenStatus)
    const { token = '' } = (await answer.json()) as { token?: string }
    const manifest = await send(fake, manifestUrl, { authorization: `Bearer ${token}` })
    expect(manifest.status).toBe(status)
  }
})

test('redirects lead to the bytes, by exactly the address given out', async () => {
  const fake = filled({
    blobs: {
      hops: [
        { status: 307, location: 'https://one.test//a/{encoded}?s={serial}%2F', body: 'html' },
        { status: 302, location: '/b/../c?d={digest}', body: 'empty' },
      ],
    },
  })
  const first = (await send(fake, blobUrl)).headers.get('location')!
  const again = new URL((await send(fake, first)).headers.get('location')!, first).href
  const bytes = new Uint8Array(await (await send(fake, again)).arrayBuffer())
  expect(bytes).toEqual(blob.bytes)
  expect((await send(fake, again, { authorization: 'Bearer x' })).status).toBe(400)
  await expect(send(fake, first.replace('%2F', '/'))).rejects.toThrow(FetchError)
})

test('a front sends everything on, blobs to a bucket of its own', async () => {
  const fake = createFakeRegistry(kubernetes)
  fake.push('pause', '3.9', image)
  const root = 'https://registry.k8s.io/v2'
  expect((await send(fake, `${root}/`)).status).toBe(200)
  const manifest = await send(fake, `${root}/pause/manifests/3.9`)
  const backend = manifest.headers.get('location')!
  expect(backend).toBe(
    'https://europe-west1-docker.pkg.dev/v2/k8s-artifacts-prod/images/pause/manifests/3.9',
  )
  expect((await send(fake, backend)).headers.get('docker-content-digest')).toBe(image.root.digest)
  const redirect = await send(fake, `${root}/pause/blobs/${blob.digest}`)
  expect(redirect.headers.get('location')).toContain('.s3.dualstack.eu-central-1.amazonaws.com/')
})

describe('faults', () => {
  test('a cut breaks the body, an early end does not', async () => {
    const fake = filled({})
    fake.fail({ kind: 'blob', times: 1 }, { kind: 'cut', afterBytes: 10 })
    fake.fail({ kind: 'blob', times: 1 }, { kind: 'end-early', afterBytes: 10 })
    await expect((await send(fake, blobUrl)).arrayBuffer()).rejects.toThrow('terminated')
    expect((await (await send(fake, blobUrl)).arrayBuffer()).byteLength).toBe(10)
    expect((await (await send(fake, blobUrl)).arrayBuffer()).byteLength).toBe(blob.bytes.length)
  })

  test('a stalled body goes on when the fault is lifted', async () => {
    const fake = filled({})
    const fault = fake.fail({ kind: 'blob' }, { kind: 'stall', afterBytes: 10 })
    const reader = (await send(fake, blobUrl)).body!.getReader()
    expect((await reader.read()).value).toHaveLength(10)
    const next = reader.read()
    fault.lift()
    expect((await next).value).toHaveLength(blob.bytes.length - 10)
  })

  test('a hang ends with the signal, a refusal at once', async () => {
    const fake = filled({})
    const abort = new AbortController()
    const fault = fake.fail({}, { kind: 'hang' })
    const hanging = send(fake, blobUrl, {}, { signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(hanging).rejects.toThrow('enough')
    fault.lift()
    fake.fail({ host: 'registry.test' }, { kind: 'no-answer', failure: 'unreachable' })
    await expect(send(fake, blobUrl)).rejects.toThrow(FetchError)
  })

  test('wrong bytes have the right length', async () => {
    const fake = filled({})
    fake.fail({ kind: 'blob' }, { kind: 'wrong-bytes' })
    const bytes = new Uint8Array(await (await send(fake, blobUrl)).arrayBuffer())
    expect(bytes).toHaveLength(blob.bytes.length)
    expect(digestOf(bytes)).not.toBe(blob.digest)
  })
})

test('tags come in pages whose cursor only the registry understands', async () => {
  const fake = createFakeRegistry({ access: 'open', tags: { paging: 'opaque', pageSize: 2 } })
  for (const tag of ['a', 'b', 'c']) fake.push('owner/name', tag, image)
  const list = 'https://registry.test/v2/owner/name/tags/list'
  const first = await send(fake, list)
  expect(await first.json()).toEqual({ name: 'owner/name', tags: ['a', 'b'] })
  const next = /<(.+)>/.exec(first.headers.get('link')!)![1]!
  expect(await (await send(fake, new URL(next, list).href)).json()).toEqual({
    name: 'owner/name',
    tags: ['c'],
  })
  expect((await send(fake, `${list}?last=b`)).status).toBe(405)
})
