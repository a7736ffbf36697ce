import { describe, expect, test } from 'vitest'
import { makeBytes } from '../../contract/content.ts'
import { type BlobWorld, type BlobWorldOptions, createBlobWorld } from '../support/blob-world.ts'
import { contentOf } from '../support/images.ts'
import { readToEnd } from '../support/reading.ts'
import { turns, until } from '../support/turns.ts'

const blob = contentOf(makeBytes(1_000))
const pathIn = (repository: string): string => `/v2/${repository}/blobs/${blob.digest}`

/** The private repository holds the blob, the copy does too, and no other. */
function settle(options: Partial<BlobWorldOptions> = {}): BlobWorld {
  return createBlobWorld({
    contents: [blob],
    holds: (repository) => ['secret/app', 'secret/copy'].includes(repository),
    ...options,
  })
}

describe('a blob that is stored because of another repository', () => {
  async function warm(options: Partial<BlobWorldOptions> = {}): Promise<BlobWorld> {
    const world = settle(options)
    await world.mirror.get(pathIn('secret/app'))
    await world.mirror.settle()
    world.takeLines()
    return world
  }

  test.each([
    ['GET', {}],
    ['GET', { range: 'bytes=0-9' }],
    ['GET', { 'if-none-match': '*' }],
    ['GET', { 'if-none-match': `"${blob.digest}"` }],
    ['HEAD', {}],
    ['HEAD', { 'if-none-match': '*' }],
  ])('is not there: %s %j', async (method, headers) => {
    const world = await warm()
    for (const repository of ['public/app', 'secret/ap', 'secret/app/sub', 'app']) {
      const response = await world.mirror.fetch(pathIn(repository), { method, headers })
      expect(response.status).toBe(404)
      expect(response.headers.get('etag')).toBeNull()
      expect((await readToEnd(response.body)).bytes.byteLength).toBeLessThan(500)
      expect(world.takeLines()).toEqual([`HEAD ${repository}`])
    }
  })

  test('is there where the upstream says so, and then without asking', async () => {
    const world = await warm()
    const first = await world.mirror.get(pathIn('secret/copy'))
    expect(first.bytes).toEqual(blob.bytes)
    expect(first.headers.get('cache-status')).toBe('pullway; fwd=stale; fwd-status=200')
    expect(world.takeLines()).toEqual(['HEAD secret/copy'])
    const second = await world.mirror.get(pathIn('secret/copy'), { range: 'bytes=0-9' })
    expect(second.bytes).toEqual(blob.bytes.slice(0, 10))
    expect(second.headers.get('cache-status')).toBe('pullway; hit')
    expect(world.takeLines()).toEqual([])
  })

  test('is not there when the upstream cannot say', async () => {
    let isDown = false
    const world = await warm({
      answer: () => (isDown ? new Response('', { status: 500 }) : undefined),
    })
    isDown = true
    expect((await world.mirror.get(pathIn('secret/copy'))).status).toBe(503)
    // The repository that is known to hold it is served all the same.
    expect((await world.mirror.get(pathIn('secret/app'))).bytes).toEqual(blob.bytes)
  })

  test('is not there for another upstream', async () => {
    const world = await warm({
      config: 'upstreams: { registry.test: { default: true }, other.test: {} }',
      answer: ({ url }) =>
        url.host === 'other.test' ? new Response('', { status: 404 }) : undefined,
    })
    const answer = await world.mirror.get(`/v2/other.test/secret/app/blobs/${blob.digest}`)
    expect(answer.status).toBe(404)
  })

  test('is not there when the upstream has forbidden it', async () => {
    const world = await warm({
      answer: ({ url }) =>
        url.pathname.includes('/denied/') ? new Response('', { status: 401 }) : undefined,
    })
    expect((await world.mirror.get(pathIn('denied/app'))).status).toBe(403)
  })
})

describe('a blob that is coming because of another repository', () => {
  async function begin(options: Partial<BlobWorldOptions> = {}) {
    const world = settle({ isControlled: true, ...options })
    const owner = world.mirror.get(pathIn('secret/app'))
    await until(() => world.downloads.length === 1, 'the download begins')
    world.downloads[0]!.push(blob.bytes.slice(0, 500))
    await turns(3)
    world.takeLines()
    const end = async (): Promise<void> => {
      world.downloads[0]!.push(blob.bytes.slice(500))
      world.downloads[0]!.end()
      expect((await owner).bytes).toEqual(blob.bytes)
    }
    return { ...world, end }
  }

  test.each([
    ['GET', {}],
    ['GET', { range: 'bytes=0-9' }],
    ['GET', { 'if-none-match': '*' }],
    ['HEAD', {}],
  ])('is not there: %s %j', async (method, headers) => {
    const world = await begin()
    const response = await world.mirror.fetch(pathIn('public/app'), { method, headers })
    expect(response.status).toBe(404)
    expect(world.takeLines()).toEqual(['HEAD public/app'])
    await world.end()
  })

  test('is shared where the upstream says so', async () => {
    const world = await begin()
    const copy = world.mirror.get(pathIn('secret/copy'))
    await turns(5)
    await world.end()
    const answer = await copy
    expect(answer.bytes).toEqual(blob.bytes)
    expect(answer.headers.get('cache-status')).toBe('pullway; fwd=miss; collapsed')
    expect(world.takeLines()).toEqual(['HEAD secret/copy'])
  })

  test('is not refused because the other one was', async () => {
    let refuse: () => void = () => undefined
    const world = settle({
      answer: ({ method, url }) =>
        method === 'GET' && url.pathname.includes('/public/')
          ? new Promise((resolve) => {
              refuse = () => resolve(new Response('', { status: 404 }))
            })
          : undefined,
    })
    const stranger = world.mirror.get(pathIn('public/app'))
    await turns(5)
    const owner = world.mirror.get(pathIn('secret/app'))
    await turns(5)
    refuse()
    expect((await stranger).status).toBe(404)
    expect((await owner).bytes).toEqual(blob.bytes)
  })
})
