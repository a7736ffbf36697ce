import { describe, expect, test } from 'vitest'
import { FetchError } from '@pullway/core'
import { createImageWorld, pullAll } from '../support/image-world.ts'
import { makeImage, makeIndex } from '../support/images.ts'
import { type Call, hang } from '../support/scripted-fetch.ts'

const image = makeImage(1)
const index = makeIndex(image, makeImage(2))
const moved = makeImage(3)
const latest = '/v2/app/manifests/latest'
const minute = 60_000

type Trouble = (call: Call) => Response | Promise<Response>

const status =
  (code: number): Trouble =>
  () =>
    new Response('', { status: code })

/** An image that was pulled whole, and whose tag is stale now. */
async function warm(config = '') {
  const world = createImageWorld({ config })
  world.push('app', 'latest', index)
  await pullAll(world, 'app', 'latest', image)
  await world.mirror.clock.advance(minute)
  world.takeLines()
  return world
}

const troubles: readonly (readonly [string, string, Trouble, number])[] = [
  ['rate-limited', 'rate limited', status(429), 429],
  ['server-error', 'server error', status(500), 503],
  ['server-error', 'server error', status(503), 503],
  ['timeout', 'timeout', status(504), 504],
  ['timeout', 'timeout', hang, 504],
  ['unreachable', 'unreachable', () => Promise.reject(new FetchError('unreachable', 'gone')), 503],
]

describe('an upstream in trouble', () => {
  test.each(troubles)('%s: the copy is served', async (reason, words, trouble) => {
    const { mirror, answerWith } = await warm()
    answerWith(trouble)
    const get = await mirror.drive(mirror.get(latest))
    expect(get.status).toBe(200)
    expect(get.bytes).toEqual(index.bytes)
    expect(get.headers.get('cache-status')).toBe(`pullway; hit; detail=stale-${reason}`)
    expect(get.headers.get('warning')).toBe(
      `299 - "pullway served a stored copy: the upstream is ${words}"`,
    )
    const head = await mirror.drive(mirror.head(latest))
    expect([head.status, head.headers.get('docker-content-digest')]).toEqual([200, index.digest])
    expect(head.headers.get('warning')).toBe(get.headers.get('warning'))
  })

  test.each(troubles)('%s (%s): the rest of the image is served too', async (_, __, trouble) => {
    const { mirror, answerWith } = await warm()
    answerWith(trouble)
    await mirror.drive(mirror.get(latest))
    const manifest = await mirror.drive(mirror.get(`/v2/app/manifests/${image.digest}`))
    expect(manifest.bytes).toEqual(image.bytes)
    for (const { digest, bytes } of image.blobs)
      expect((await mirror.drive(mirror.get(`/v2/app/blobs/${digest}`))).bytes).toEqual(bytes)
  })

  test.each(troubles)('%s (%s): half an image is not begun', async (_, __, trouble, told) => {
    const { mirror, answerWith, store } = await warm()
    await store.remove(image.blobs[1]!.digest)
    answerWith(trouble)
    const answer = await mirror.drive(mirror.get(latest))
    expect(answer.status).toBe(told)
  })

  test.each(troubles)(
    '%s (%s): not where the operator says no',
    async (reason, _, trouble, told) => {
      const others = ['rate-limited', 'server-error', 'timeout', 'unreachable'].filter(
        (one) => one !== reason,
      )
      const { mirror, answerWith } = await warm(`cache: { serveStaleOn: [${others.join(', ')}] }`)
      answerWith(trouble)
      expect((await mirror.drive(mirror.get(latest))).status).toBe(told)
    },
  )

  test('is asked again at each pull, and its recovery is seen at once', async () => {
    const { mirror, answerWith, takeLines } = await warm()
    answerWith(status(500))
    await mirror.get(latest)
    await mirror.get(latest)
    expect(takeLines()).toEqual(['HEAD app/manifests/latest', 'HEAD app/manifests/latest'])
    answerWith(undefined)
    expect((await mirror.get(latest)).headers.get('cache-status')).toBe(
      'pullway; fwd=stale; fwd-status=200',
    )
  })

  test('for longer than the copy is kept', async () => {
    const { mirror, answerWith } = await warm('cache: { tags: { staleFor: 1h } }')
    answerWith(status(500))
    expect((await mirror.get(latest)).status).toBe(200)
    await mirror.clock.advance(2 * 60 * minute)
    expect((await mirror.get(latest)).status).toBe(503)
  })

  test('gives no fresh half of an image either', async () => {
    const { mirror, answerWith, store } = await warm()
    await mirror.get(latest)
    await store.remove(image.blobs[1]!.digest)
    answerWith(status(500))
    // While nobody knows of the trouble, the manifest is a hit; after it, it is not.
    expect((await mirror.get(latest)).status).toBe(200)
    await mirror.get(`/v2/app/blobs/${image.blobs[1]!.digest}`)
    for (const path of [latest, `/v2/app/manifests/${image.digest}`])
      expect((await mirror.get(path)).status).toBe(503)
    await mirror.clock.advance(10_000)
    answerWith(undefined)
    expect((await mirror.get(latest)).status).toBe(200)
  })
})

describe('a refusal is no trouble', () => {
  test.each([
    [401, 403, 'DENIED'],
    [404, 404, 'MANIFEST_UNKNOWN'],
  ])('%i is told as %i', async (said, told, code) => {
    const { mirror, answerWith } = await warm()
    answerWith(status(said))
    const answer = await mirror.get(latest)
    expect([answer.status, answer.code]).toEqual([told, code])
    expect(answer.headers.get('warning')).toBeNull()
  })
})

test('a tag that was told to be gone does not come back with trouble', async () => {
  const { mirror, untag, answerWith } = await warm()
  untag('app', 'latest')
  expect((await mirror.get(latest)).status).toBe(404)
  await mirror.clock.advance(10 * minute)
  answerWith(status(500))
  expect((await mirror.get(latest)).status).toBe(503)
})

describe('deleted images stay where the operator wants them to', () => {
  const config =
    'cache: { serveStaleOn: [rate-limited, server-error, timeout, unreachable, not-found] }'

  test('a tag that is gone', async () => {
    const { mirror, untag } = await warm(config)
    untag('app', 'latest')
    for (let round = 0; round < 2; round += 1) {
      const answer = await mirror.get(latest)
      expect([answer.status, answer.headers.get('cache-status')]).toEqual([
        200,
        'pullway; hit; detail=stale-not-found',
      ])
      await mirror.clock.advance(minute)
    }
  })

  test.each([401, 403, 410])(
    'a repository that is answered with %i, as registries do of what they have not',
    async (said) => {
      const { mirror, answerWith } = await warm(config)
      answerWith(status(said))
      for (const answer of [await mirror.get(latest), await mirror.head(latest)]) {
        expect([answer.status, answer.headers.get('cache-status')]).toEqual([
          200,
          'pullway; hit; detail=stale-not-found',
        ])
      }
      expect((await mirror.get('/v2/other/manifests/latest')).status).not.toBe(200)
    },
  )

  test('but not half of them, and no others', async () => {
    const { mirror, untag, store } = await warm(config)
    untag('app', 'latest')
    await store.remove(image.blobs[0]!.digest)
    expect((await mirror.get(latest)).status).toBe(404)
    expect((await mirror.get('/v2/app/manifests/never')).status).toBe(404)
  })
})

describe('a tag that has moved while the new content is not to be had', () => {
  /** Docker Hub answers HEAD when its limit is reached, and 429 to GET. */
  const headOnly =
    (trouble: Trouble) =>
    (call: Call): Response | Promise<Response> | undefined =>
      call.method === 'HEAD' ? undefined : trouble(call)

  test.each(troubles.filter(([reason]) => reason !== 'timeout'))(
    '%s: the old copy is served, to the next clients too',
    async (reason, _, trouble) => {
      const { mirror, push, answerWith } = await warm()
      push('app', 'latest', moved)
      answerWith(headOnly(trouble))
      for (const pause of [0, 1_000, minute, 10 * minute]) {
        await mirror.clock.advance(pause)
        const answer = await mirror.get(latest)
        expect([answer.status, answer.headers.get('cache-status')], `after ${pause} ms`).toEqual([
          200,
          `pullway; hit; detail=stale-${reason}`,
        ])
        expect(answer.bytes).toEqual(index.bytes)
      }
      answerWith(undefined)
      await mirror.clock.advance(minute)
      expect((await mirror.get(latest)).bytes).toEqual(moved.bytes)
    },
  )

  test('a HEAD in between does not lose it', async () => {
    const { mirror, push, answerWith } = await warm()
    push('app', 'latest', moved)
    answerWith(headOnly(status(429)))
    await mirror.head(latest)
    await mirror.settle()
    const answer = await mirror.get(latest)
    expect([answer.status, answer.bytes]).toEqual([200, index.bytes])
  })
})

describe('a HEAD that does not fit what is there', () => {
  const lie =
    (headers: Readonly<Record<string, string>>) =>
    (call: Call): Response | undefined =>
      call.method === 'HEAD' ? new Response(null, { headers: { ...told, ...headers } }) : undefined
  const told = {
    'content-type': index.mediaType,
    'content-length': String(index.bytes.byteLength),
    'docker-content-digest': index.digest,
  }

  test.each(['GET', 'HEAD'] as const)(
    'names a digest that is nowhere: %s has the tag as ever',
    async (method) => {
      const { mirror, answerWith } = await warm()
      answerWith(lie({ 'docker-content-digest': moved.digest }))
      for (const pause of [0, minute]) {
        await mirror.clock.advance(pause)
        const answer = await (method === 'GET' ? mirror.get(latest) : mirror.head(latest))
        expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([
          200,
          index.digest,
        ])
      }
    },
  )

  test('another size of the same content is not believed', async () => {
    const { mirror, answerWith } = await warm()
    answerWith(lie({ 'content-length': '7', 'content-type': 'application/vnd.other+json' }))
    for (const pause of [0, 1_000, minute]) {
      await mirror.clock.advance(pause)
      const { headers } = await mirror.head(latest)
      expect(headers.get('content-length')).toBe(told['content-length'])
      expect(headers.get('content-type')).toBe(told['content-type'])
    }
  })
})
