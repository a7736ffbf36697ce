import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Content, makeImage, makeMultiImage } from '../clients/upstream/images.ts'
import { accept, expectContent, expectError } from './expect.ts'
import { topOf } from './pull.ts'
import { startWorld, type World } from './world.ts'

const arm = { os: 'linux', architecture: 'arm64' }
const multi = makeMultiImage('library/pullway-multi:1.0', [arm], [2000, 500])
const docker = makeImage('owner/pullway-docker:1.0', [1000], 'schema2')
const nobody = `sha256:${'0'.repeat(64)}`

let world: World

beforeAll(async () => {
  world = await startWorld(multi, docker)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

test.each(['GET', 'HEAD'])('%s /v2/ says that this is a registry', async (method) => {
  const { status, headers, body, isWhole } = await world.ask('/v2/', { method })
  expect({ status, isWhole }).toEqual({ status: 200, isWhole: true })
  expect(headers['content-length']).toBe('2')
  expect(headers['docker-distribution-api-version']).toBe('registry/2.0')
  expect(body.toString()).toBe(method === 'GET' ? '{}' : '')
})

const named = [multi, docker].flatMap((image) => {
  const root = `/v2/${image.repository}/manifests`
  const byDigest = image.manifests.map((content) => ({
    path: `${root}/${content.digest}`,
    content,
  }))
  return [{ path: `${root}/${image.tag}`, content: topOf(image) }, ...byDigest]
})

describe.each(named)('$path', ({ path, content }) => {
  test.each(['cold', 'warm'])('%s: HEAD and GET with the exact headers', async () => {
    const head = await world.ask(path, { method: 'HEAD', headers: { accept } })
    expect(head.status).toBe(200)
    expect(head.headers).toMatchObject(headersOf(content))
    expect(head.body.byteLength).toBe(0)
    const got = await world.ask(path, { headers: { accept } })
    expect(got.headers).toMatchObject(headersOf(content))
    expectContent(got, content)
  })

  test('is not sent again to whoever has it', async () => {
    const headers = { accept, 'if-none-match': `"${content.digest}"` }
    const unchanged = await world.ask(path, { headers })
    expect({ status: unchanged.status, size: unchanged.body.byteLength }).toEqual({
      status: 304,
      size: 0,
    })
    const changed = { accept, 'if-none-match': `"${nobody}"` }
    expectContent(await world.ask(path, { headers: changed }), content)
  })
})

test('is sent as it is to clients that ask for compression', async () => {
  const headers = { accept, 'accept-encoding': 'gzip, br' }
  const answer = await world.ask('/v2/library/pullway-multi/manifests/1.0', { headers })
  expect(answer.headers['content-encoding']).toBeUndefined()
  expectContent(answer, topOf(multi))
})

test('of a type that the client does not accept is not served', async () => {
  const path = '/v2/library/pullway-multi/manifests/1.0'
  for (const attempt of ['cold', 'warm']) {
    const refused = await world.ask(path, { headers: { accept: docker.manifests[0]!.mediaType } })
    expect(expectError(refused, { status: 404, code: 'MANIFEST_UNKNOWN' }), attempt).not.toBe('')
    expectContent(await world.ask(path, { headers: { accept } }), topOf(multi))
  }
})

test('of a type that the client does not accept is not served for an upstream that does not care', async () => {
  const { mediaType, bytes, digest } = topOf(docker)
  const headers = { 'content-type': mediaType, 'docker-content-digest': digest }
  world.stage.play(({ kind }) =>
    kind === 'manifest' ? { status: 200, headers, body: bytes } : 'pass',
  )
  const question = { headers: { accept: topOf(multi).mediaType } }
  const answer = await world.ask('/v2/owner/pullway-docker/manifests/any', question)
  expectError(answer, { status: 404, code: 'MANIFEST_UNKNOWN' })
})

test.each([
  ['tag', '/v2/library/pullway-multi/manifests/9.9', 404, 'MANIFEST_UNKNOWN'],
  ['digest', `/v2/library/pullway-multi/manifests/${nobody}`, 404, 'MANIFEST_UNKNOWN'],
  ['repository', '/v2/library/pullway-none/manifests/1.0', 404, undefined],
  ['registry', '/v2/unknown.example.com/owner/image/manifests/1.0', 404, 'NAME_UNKNOWN'],
] as const)('an unknown %s', async (_, path, status, code) => {
  for (const attempt of [1, 2]) {
    const answer = await world.ask(path, { headers: { accept } })
    // Registries tell a missing repository from a missing manifest, or do not.
    const said = answer.body.includes('NAME_UNKNOWN') ? 'NAME_UNKNOWN' : 'MANIFEST_UNKNOWN'
    expectError(answer, { status, code: code ?? said })
    const head = await world.ask(path, { method: 'HEAD', headers: { accept } })
    expect({ attempt, status: head.status }).toEqual({ attempt, status })
    expect(head.body.byteLength).toBe(0)
  }
})

function headersOf({ mediaType, bytes, digest }: Content): object {
  return {
    'content-type': mediaType,
    'content-length': String(bytes.byteLength),
    'docker-content-digest': digest,
    'docker-distribution-api-version': 'registry/2.0',
    etag: `"${digest}"`,
  }
}
