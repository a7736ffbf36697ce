import { describe, expect, test } from 'vitest'
import { createImageWorld, short } from '../support/image-world.ts'
import { makeImage, makeIndex } from '../support/images.ts'
import { turns } from '../support/turns.ts'

const image = makeImage(1)
const index = makeIndex(image)
const other = makeImage(2)

async function warm() {
  const world = createImageWorld()
  world.push('secret/app', 'latest', index)
  world.push('public/app', 'latest', other)
  await world.mirror.get('/v2/secret/app/manifests/latest')
  await world.mirror.get(`/v2/secret/app/manifests/${image.digest}`)
  world.takeLines()
  return world
}

describe('a manifest that is stored because of another repository', () => {
  test.each([
    ['GET', {}],
    ['GET', { 'if-none-match': '*' }],
    ['GET', { 'if-none-match': `"${image.digest}"` }],
    ['HEAD', {}],
    ['HEAD', { 'if-none-match': '*' }],
  ])('is not there: %s %j', async (method, headers) => {
    const { mirror } = await warm()
    for (const digest of [image.digest, index.digest]) {
      for (const repository of ['public/app', 'secret/ap', 'app']) {
        const path = `/v2/${repository}/manifests/${digest}`
        const response = await mirror.fetch(path, { method, headers })
        expect(response.status).toBe(404)
        expect(response.headers.get('docker-content-digest')).toBeNull()
        expect(response.headers.get('etag')).toBeNull()
        expect(await response.text()).not.toContain('schemaVersion')
      }
    }
  })

  test('is there where the upstream says so by HEAD, and then without asking', async () => {
    const { mirror, push, takeLines } = await warm()
    push('copy/app', 'latest', image)
    const path = `/v2/copy/app/manifests/${image.digest}`
    const first = await mirror.get(path)
    expect(first.bytes).toEqual(image.bytes)
    expect(first.headers.get('content-type')).toBe(image.mediaType)
    expect(first.headers.get('cache-status')).toBe('pullway; fwd=stale; fwd-status=200')
    expect(takeLines()).toEqual([`HEAD copy/app/manifests/${short(image.digest)}`])
    expect((await mirror.get(path)).headers.get('cache-status')).toBe('pullway; hit')
    expect(takeLines()).toEqual([])
  })

  test('is not there when the upstream cannot say', async () => {
    const { mirror, answerWith } = await warm()
    answerWith(() => new Response('', { status: 500 }))
    for (const headers of [{}, { 'if-none-match': '*' }])
      expect((await mirror.get(`/v2/copy/app/manifests/${image.digest}`, headers)).status).toBe(503)
  })

  test('is not given away by what it names', async () => {
    const { mirror } = await warm()
    for (const { digest } of image.blobs)
      expect((await mirror.get(`/v2/public/app/blobs/${digest}`)).status).toBe(404)
  })

  test('is not given away by a tag of the same digest in another repository’s name', async () => {
    const { mirror, answerWith } = await warm()
    // The tag is unknown there, whatever the mirror remembers of it elsewhere.
    answerWith(() => new Response('', { status: 404 }))
    expect((await mirror.get('/v2/public/app/manifests/other')).status).toBe(404)
  })
})

test('a manifest that is being fetched for another repository is not there', async () => {
  const world = createImageWorld()
  world.push('secret/app', 'latest', image)
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  world.answerWith(({ url }) =>
    url.pathname.startsWith('/v2/secret/')
      ? gate.then(() => new Response(image.bytes, { headers: { 'content-type': image.mediaType } }))
      : undefined,
  )
  const owner = world.mirror.get(`/v2/secret/app/manifests/${image.digest}`)
  await turns(5)
  const stranger = await world.mirror.get(`/v2/public/app/manifests/${image.digest}`)
  expect(stranger.status).toBe(404)
  goOn()
  expect((await owner).bytes).toEqual(image.bytes)
})

test('a blob is no manifest, though its digest is known there', async () => {
  const { mirror } = await warm()
  const [config] = image.blobs
  await mirror.get(`/v2/secret/app/blobs/${config!.digest}`)
  await mirror.settle()
  expect((await mirror.get(`/v2/secret/app/manifests/${config!.digest}`)).status).toBe(404)
})
