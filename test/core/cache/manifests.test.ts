import { describe, expect, test } from 'vitest'
import { manifestTypes } from '../../../core/src/request/accept.ts'
import { createImageWorld, short } from '../support/image-world.ts'
import { makeImage, makeIndex } from '../support/images.ts'

const [ociIndex, , ociManifest, dockerManifest] = manifestTypes
const one = makeImage(1)
const two = makeImage(2)
const index = makeIndex(one, two)
const latest = '/v2/app/manifests/latest'
const minute = 60_000

function settle(...options: Parameters<typeof createImageWorld>) {
  const world = createImageWorld(...options)
  world.push('app', 'latest', index)
  return world
}

describe('a tag', () => {
  test('is fetched once and fresh for a minute', async () => {
    const { mirror, takeLines } = settle()
    const cold = await mirror.get(latest)
    expect(cold.status).toBe(200)
    expect(Object.fromEntries(cold.headers)).toEqual({
      'content-type': ociIndex,
      'content-length': String(index.bytes.byteLength),
      'docker-content-digest': index.digest,
      etag: `"${index.digest}"`,
      'docker-distribution-api-version': 'registry/2.0',
      'cache-status': 'pullway; fwd=miss; stored',
      'x-content-type-options': 'nosniff',
    })
    expect(cold.bytes).toEqual(index.bytes)
    expect(takeLines()).toEqual(['GET app/manifests/latest'])
    await mirror.clock.advance(minute - 1)
    for (const warm of [await mirror.get(latest), await mirror.head(latest)]) {
      expect(warm.headers.get('cache-status')).toBe('pullway; hit')
      expect(warm.headers.get('content-length')).toBe(String(index.bytes.byteLength))
      expect(warm.headers.get('docker-content-digest')).toBe(index.digest)
    }
    expect(takeLines()).toEqual([])
  })

  test('is then revalidated by HEAD, and fresh again', async () => {
    const { mirror, takeLines } = settle()
    await mirror.get(latest)
    takeLines()
    for (let round = 0; round < 3; round += 1) {
      await mirror.clock.advance(minute)
      const answer = await mirror.get(latest)
      expect(answer.headers.get('cache-status')).toBe('pullway; fwd=stale; fwd-status=200')
      expect(answer.bytes).toEqual(index.bytes)
      expect((await mirror.get(latest)).headers.get('cache-status')).toBe('pullway; hit')
      expect(takeLines()).toEqual(['HEAD app/manifests/latest'])
    }
  })

  test('that has moved gives the new content, and the old one stays under its digest', async () => {
    const { mirror, push, takeLines } = settle()
    await mirror.get(latest)
    push('app', 'latest', two)
    expect((await mirror.get(latest)).bytes).toEqual(index.bytes)
    await mirror.clock.advance(minute)
    takeLines()
    const moved = await mirror.get(latest)
    expect(moved.bytes).toEqual(two.bytes)
    expect(moved.headers.get('docker-content-digest')).toBe(two.digest)
    expect(takeLines()).toEqual([
      'HEAD app/manifests/latest',
      `GET app/manifests/${short(two.digest)}`,
    ])
    const old = await mirror.get(`/v2/app/manifests/${index.digest}`)
    expect([old.headers.get('cache-status'), takeLines()]).toEqual(['pullway; hit', []])
  })

  test('that has moved to what is here costs no GET', async () => {
    const { mirror, push, takeLines } = settle()
    push('app', 'other', two)
    await mirror.get(latest)
    await mirror.get('/v2/app/manifests/other')
    push('app', 'latest', two)
    await mirror.clock.advance(minute)
    takeLines()
    expect((await mirror.get(latest)).bytes).toEqual(two.bytes)
    expect(takeLines()).toEqual(['HEAD app/manifests/latest'])
  })

  test('asked for by HEAD is kept under its digest too', async () => {
    const { mirror, takeLines } = settle()
    const head = await mirror.head(latest)
    expect([head.status, head.bytes.byteLength]).toEqual([200, 0])
    expect(head.headers.get('content-length')).toBe(String(index.bytes.byteLength))
    expect(takeLines()).toEqual(['GET app/manifests/latest'])
    const get = await mirror.get(`/v2/app/manifests/${index.digest}`)
    expect(get.bytes).toEqual(index.bytes)
    expect([get.headers.get('cache-status'), takeLines()]).toEqual(['pullway; hit', []])
  })

  test('that has moved, asked for by HEAD, has its new content kept', async () => {
    const { mirror, push, takeLines } = settle()
    await mirror.head(latest)
    push('app', 'latest', two)
    await mirror.clock.advance(minute)
    const head = await mirror.head(latest)
    expect(head.headers.get('docker-content-digest')).toBe(two.digest)
    expect(head.headers.get('content-length')).toBe(String(two.bytes.byteLength))
    await mirror.settle()
    takeLines()
    expect((await mirror.get(`/v2/app/manifests/${two.digest}`)).bytes).toEqual(two.bytes)
    expect(takeLines()).toEqual([])
  })

  test('that has moved to what is here, asked for by HEAD, costs no GET either', async () => {
    const { mirror, push, takeLines } = settle()
    push('app', 'other', two)
    await mirror.get(latest)
    await mirror.get('/v2/app/manifests/other')
    push('app', 'latest', two)
    await mirror.clock.advance(minute)
    takeLines()
    const head = await mirror.head(latest)
    expect(head.headers.get('docker-content-digest')).toBe(two.digest)
    await mirror.settle()
    expect((await mirror.get(latest)).bytes).toEqual(two.bytes)
    expect(takeLines()).toEqual(['HEAD app/manifests/latest'])
  })

  test.each(['docker-content-digest', 'content-length', 'content-type'])(
    'of which a HEAD does not tell %s is fetched',
    async (name) => {
      const { mirror, answerWith, takeLines } = settle()
      answerWith((call) => {
        if (call.method !== 'HEAD') return undefined
        const headers = new Headers({
          'content-type': ociIndex,
          'content-length': String(index.bytes.byteLength),
          'docker-content-digest': index.digest,
        })
        headers.delete(name)
        return new Response(null, { headers })
      })
      await mirror.get(latest)
      await mirror.clock.advance(minute)
      takeLines()
      expect((await mirror.get(latest)).bytes).toEqual(index.bytes)
      expect(takeLines()).toEqual(['HEAD app/manifests/latest', 'GET app/manifests/latest'])
    },
  )
})

describe('a digest', () => {
  test('is fetched once and for ever', async () => {
    const { mirror, takeLines } = settle()
    const path = `/v2/app/manifests/${one.digest}`
    expect((await mirror.get(path)).headers.get('cache-status')).toBe('pullway; fwd=miss; stored')
    await mirror.clock.advance(90 * 86_400_000)
    for (const answer of [await mirror.get(path), await mirror.head(path)]) {
      expect(answer.headers.get('cache-status')).toBe('pullway; hit')
      expect(answer.headers.get('content-type')).toBe(ociManifest)
      expect(answer.headers.get('content-length')).toBe(String(one.bytes.byteLength))
    }
    expect(takeLines()).toEqual([`GET app/manifests/${short(one.digest)}`])
  })

  test('that an index names is known to be there, and fetched when asked for', async () => {
    const { mirror, takeLines } = settle()
    await mirror.get(latest)
    takeLines()
    const child = `/v2/app/manifests/${two.digest}`
    expect((await mirror.get(child)).bytes).toEqual(two.bytes)
    expect((await mirror.get(child)).headers.get('cache-status')).toBe('pullway; hit')
    expect(takeLines()).toEqual([`GET app/manifests/${short(two.digest)}`])
  })

  test('is asked for in whatever type there is, whatever the client takes', async () => {
    const { mirror, takeLines } = settle()
    const path = `/v2/app/manifests/${one.digest}`
    const accepts = [ociManifest, `${ociManifest}, ${dockerManifest}`, '*/*']
    const answers = await Promise.all(accepts.map((accept) => mirror.get(path, { accept })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(takeLines()).toEqual([`GET app/manifests/${short(one.digest)}`])
  })
})

describe('a type that the client does not take', () => {
  test.each([latest, `/v2/app/manifests/${index.digest}`])('is not served: %s', async (path) => {
    const { mirror } = settle()
    for (const accept of [dockerManifest, `${ociManifest}, ${dockerManifest}`, 'text/html']) {
      for (const answer of [
        await mirror.get(path, { accept }),
        await mirror.get(path, { accept, 'if-none-match': '*' }),
        await mirror.head(path, { accept }),
      ])
        expect(answer.status).toBe(404)
      expect((await mirror.get(path, { accept })).code).toBe('MANIFEST_UNKNOWN')
      await mirror.get(path)
    }
  })
})

describe('Accept', () => {
  test('of the same meaning is one cache entry, of another meaning another one', async () => {
    const { mirror, takeLines } = settle()
    const all = manifestTypes.join(', ')
    for (const accept of [all, [...manifestTypes].reverse().join(','), '*/*', `${all};q=0.3`])
      expect((await mirror.get(latest, { accept })).status).toBe(200)
    expect(takeLines()).toEqual(['GET app/manifests/latest'])
    await mirror.get(latest, { accept: ociIndex })
    await mirror.get(latest, { accept: `${ociIndex};q=0.5` })
    expect(takeLines()).toEqual(['GET app/manifests/latest'])
  })

  test('may mean another content for the same tag', async () => {
    const { mirror, answerWith } = settle()
    answerWith(({ method, headers }) => {
      const content = headers.get('accept')?.includes(ociIndex) === true ? index : one
      return new Response(method === 'HEAD' ? null : content.bytes, {
        headers: { 'content-type': content.mediaType, 'docker-content-digest': content.digest },
      })
    })
    for (let round = 0; round < 2; round += 1) {
      expect((await mirror.get(latest)).bytes).toEqual(index.bytes)
      expect((await mirror.get(latest, { accept: ociManifest })).bytes).toEqual(one.bytes)
    }
  })
})

describe('what the client has', () => {
  test.each([`"${index.digest}"`, `W/"${index.digest}"`, '*'])('%s is 304', async (ifNoneMatch) => {
    const { mirror } = settle()
    for (const path of [latest, latest, `/v2/app/manifests/${index.digest}`]) {
      const answer = await mirror.get(path, { 'if-none-match': ifNoneMatch })
      expect([answer.status, answer.bytes.byteLength]).toEqual([304, 0])
      expect(answer.headers.get('docker-content-digest')).toBe(index.digest)
    }
  })

  test('is sent in its new version', async () => {
    const { mirror } = settle()
    const answer = await mirror.get(latest, { 'if-none-match': `"${one.digest}"` })
    expect(answer.bytes).toEqual(index.bytes)
  })
})

describe('what is no manifest', () => {
  const json = (value: unknown): string => JSON.stringify(value)
  test.each([
    [
      'wrong bytes',
      one.bytes,
      { 'docker-content-digest': index.digest, 'content-type': ociManifest },
    ],
    ['schema 1', json({ schemaVersion: 1, name: 'app' }), { 'content-type': 'application/json' }],
    ['more than 4 MiB', new Uint8Array(4 * 2 ** 20 + 1), { 'content-type': ociManifest }],
    ['a page', '<html>Just a moment...</html>', { 'content-type': 'text/html' }],
    ['an empty answer', '', { 'content-type': ociManifest }],
  ])('%s is refused, and nothing of it stays', async (_, body, headers) => {
    const { mirror, answerWith, store } = settle()
    answerWith(() => new Response(body, { headers }))
    const refused = await mirror.get(latest)
    expect([refused.status, refused.code]).toEqual([503, 'UNAVAILABLE'])
    expect(await store.stat(index.digest)).toBeUndefined()
    answerWith(undefined)
    expect((await mirror.get(latest)).bytes).toEqual(index.bytes)
  })
})

describe('what is unknown', () => {
  test.each([
    ['/v2/app/manifests/absent', 'GET app/manifests/absent'],
    ['/v2/absent/manifests/latest', 'GET absent/manifests/latest'],
    [`/v2/app/manifests/sha256:${'0'.repeat(64)}`, 'GET app/manifests/sha256:000000'],
  ])('%s is remembered for 10 s', async (path, line) => {
    const { mirror, takeLines } = settle()
    for (let count = 0; count < 6; count += 1) expect((await mirror.get(path)).status).toBe(404)
    expect(takeLines()).toEqual([line])
    await mirror.clock.advance(10_000)
    expect((await mirror.get(path)).code).toBe('MANIFEST_UNKNOWN')
    expect(takeLines()).toEqual([line])
  })

  test('may come later', async () => {
    const { mirror, push } = settle()
    expect((await mirror.get('/v2/app/manifests/new')).status).toBe(404)
    push('app', 'new', one)
    await mirror.clock.advance(10_000)
    expect((await mirror.get('/v2/app/manifests/new')).bytes).toEqual(one.bytes)
  })

  test('is not what was known: a tag that is gone is gone', async () => {
    const { mirror, untag } = settle()
    await mirror.get(latest)
    untag('app', 'latest')
    await mirror.clock.advance(minute)
    expect((await mirror.get(latest)).status).toBe(404)
    // The content that it had is another matter.
    expect((await mirror.get(`/v2/app/manifests/${index.digest}`)).status).toBe(200)
  })
})

test('a manifest whose answer breaks off is asked for once more', async () => {
  const world = createImageWorld()
  const image = makeImage(7)
  world.push('app', 'latest', image)
  let cuts = 0
  world.answerWith(({ method }) => {
    if (method === 'HEAD' || cuts++ > 0) return undefined
    const start = (controller: ReadableStreamDefaultController): void =>
      controller.error(new Error('reset'))
    return new Response(new ReadableStream({ start }), {
      headers: { 'content-type': image.mediaType, 'docker-content-digest': image.digest },
    })
  })
  const { status, bytes } = await world.mirror.get('/v2/app/manifests/latest')
  expect([status, bytes]).toEqual([200, image.bytes])
  expect(cuts).toBe(2)
})
