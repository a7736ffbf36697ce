import { describe, expect, test } from 'vitest'
import { DigestMismatch } from '../../../core/src/cache/fill.ts'
import { digestOf, inPieces, makeBytes } from '../../contract/content.ts'
import { rejectionOf } from '../support/caught.ts'
import { createFaultyStore } from '../support/faulty-store.ts'
import { createFillWorld } from '../support/fill-world.ts'
import { isPending, turns, until } from '../support/turns.ts'

const bytes = makeBytes(1_000)
const digest = digestOf(bytes)
const pieces = inPieces(bytes, 100)

async function settle(
  given: { size?: number | undefined; hasStore?: boolean; digest?: typeof digest } = {},
) {
  const store = createFaultyStore()
  const world = await createFillWorld({
    digest: given.digest ?? digest,
    size: 'size' in given ? given.size : 1_000,
    store: given.hasStore === false ? undefined : store,
  })
  const isStored = async (): Promise<boolean> =>
    (await store.stat(given.digest ?? digest)) !== undefined
  return { ...world, store, isStored }
}

describe('what a follower gets', () => {
  test('the first byte, before the upstream has sent the second', async () => {
    const { fill, source } = await settle()
    const next = fill.follow(0).next(1_000)
    expect(await isPending(next)).toBe(true)
    source.push(bytes.slice(0, 1))
    expect(await next).toEqual(bytes.slice(0, 1))
    expect(fill.received()).toBe(1)
  })

  test('no more than it asks for, and what was left the next time', async () => {
    const { fill, source } = await settle()
    source.push(pieces[0]!)
    const follower = fill.follow(20)
    expect(await follower.next(30)).toEqual(bytes.slice(20, 50))
    expect(await follower.next(1_000)).toEqual(bytes.slice(50, 100))
  })

  test('waits at a position that is not there yet', async () => {
    const { fill, source } = await settle()
    const next = fill.follow(250).next(1_000)
    source.push(pieces[0]!, pieces[1]!)
    expect(await isPending(next)).toBe(true)
    source.push(pieces[2]!)
    expect(await next).toEqual(bytes.slice(250, 300))
  })

  test('all, then the end', async () => {
    const { fill, source, isStored, store } = await settle()
    const follower = fill.follow(900)
    source.push(...pieces)
    source.end()
    await fill.finished
    expect(await follower.next(1_000)).toEqual(bytes.slice(900))
    expect(await follower.next(1_000)).toBeUndefined()
    expect(await isStored()).toBe(true)
    follower.leave()
    await until(() => store.openWrites === 0, 'the write is released')
  })
})

describe('the last byte', () => {
  test.each([1_000, undefined])('waits until the digest is right (size %s)', async (size) => {
    const { fill, source } = await settle({ size })
    const follower = fill.follow(0)
    source.push(bytes)
    expect((await follower.next(1_000))?.byteLength).toBe(999)
    const last = follower.next(1_000)
    expect(await isPending(last)).toBe(true)
    source.end()
    expect(await last).toEqual(bytes.slice(999))
  })

  test('is never given when it is wrong', async () => {
    const { fill, source } = await settle()
    const follower = fill.follow(999)
    const last = rejectionOf(follower.next(1_000))
    const wrong = bytes.slice()
    wrong[500]! ^= 1
    source.push(wrong)
    source.end()
    expect(await last).toBeInstanceOf(DigestMismatch)
  })
})

describe('wrong content', () => {
  const wrong = makeBytes(1_000, 99)
  test.each([
    ['other bytes', [wrong], 'its bytes are wrong'],
    ['too few', pieces.slice(0, -1), 'it is shorter than announced'],
    ['none', [], 'it is shorter than announced'],
    ['too many', [...pieces, pieces[0]!], 'it is longer than announced'],
    ['too many at once', [makeBytes(1_001)], 'it is longer than announced'],
  ])('%s: everybody’s stream breaks, and nothing stays', async (_, chunks, why) => {
    const { fill, source, store, logger, metrics, isStored } = await settle()
    const errors = [0, 0, 500, 999].map(async (position) => {
      const follower = fill.follow(position)
      while (await follower.next(1_000)) await turns(1)
    })
    const results = Promise.allSettled(errors)
    source.push(...chunks)
    source.end()
    await fill.finished
    for (const result of await results)
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'DigestMismatch' } })
    expect(await isStored()).toBe(false)
    await until(() => store.openWrites === 0, 'the write is released')
    expect(source.cancelled).toBeInstanceOf(DigestMismatch)
    expect(metrics.render()).toContain('digest_mismatches_total{upstream="docker.io"} 1')
    expect(logger.entries).toHaveLength(1)
    expect(logger.entries[0]).toMatchObject({
      level: 'warn',
      message: 'a download into the cache failed',
      fields: { upstream: 'docker.io', digest },
    })
    expect(logger.entries[0]!.fields['error']).toContain(why)
  })

  test('of unknown size', async () => {
    const { fill, source, isStored } = await settle({ size: undefined })
    const follower = fill.follow(0)
    source.push(wrong)
    source.end()
    expect((await follower.next(2_000))?.byteLength).toBe(999)
    expect(await rejectionOf(follower.next(2_000))).toBeInstanceOf(DigestMismatch)
    expect(await isStored()).toBe(false)
  })

  test('a body that is too long is not read on', async () => {
    const { fill, source } = await settle()
    source.push(...pieces, pieces[0]!, pieces[0]!, pieces[0]!)
    await fill.finished
    expect(source.waiting).toBe(2)
  })

  test('a follower that comes late is told as well', async () => {
    const { fill, source } = await settle()
    source.push(wrong)
    source.end()
    await fill.finished
    expect(await rejectionOf(fill.follow(0).next(10))).toBeInstanceOf(DigestMismatch)
  })
})

test('an upstream that fails is everybody’s failure, with its reason', async () => {
  const { fill, source, store, metrics, isStored } = await settle()
  const followers = [fill.follow(0), fill.follow(300)]
  source.push(pieces[0]!)
  expect(await followers[0]!.next(1_000)).toEqual(pieces[0])
  const error = new Error('its download was cut and does not go on')
  source.fail(error)
  for (const follower of followers) expect(await rejectionOf(follower.next(1_000))).toBe(error)
  await fill.finished
  expect(await isStored()).toBe(false)
  await until(() => store.openWrites === 0, 'the write is released')
  expect(metrics.render()).not.toContain('digest_mismatches_total{')
})

test('who leaves changes nothing for the others, nor for the store', async () => {
  const { fill, source, isStored } = await settle()
  const [leader, other] = [fill.follow(0), fill.follow(0)]
  source.push(pieces[0]!)
  await leader.next(1_000)
  leader.leave()
  source.push(...pieces.slice(1))
  expect(await other.next(1_000)).toEqual(pieces[0])
  other.leave()
  source.end()
  await fill.finished
  expect(await isStored()).toBe(true)
})

test.each([
  ['nothing', new Uint8Array(0), 'sha256'],
  ['one byte', makeBytes(1), 'sha256'],
  ['sha512', bytes, 'sha512'],
] as const)('%s, with the size known or not', async (_, content, algorithm) => {
  for (const size of [content.byteLength, undefined]) {
    const wanted = digestOf(content, algorithm)
    const { fill, source, isStored } = await settle({ size, digest: wanted })
    const follower = fill.follow(0)
    if (content.byteLength > 0) source.push(content)
    source.end()
    const chunks = []
    for (let chunk = await follower.next(400); chunk; chunk = await follower.next(400))
      chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
    await fill.finished
    expect(await isStored()).toBe(true)
  }
})

test('a blob of nothing that should be something is wrong', async () => {
  const { fill, source, isStored } = await settle({ size: undefined })
  const next = rejectionOf(fill.follow(0).next(10))
  source.end()
  expect(await next).toBeInstanceOf(DigestMismatch)
  await fill.finished
  expect(await isStored()).toBe(false)
})
