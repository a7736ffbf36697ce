import { describe, expect, test } from 'vitest'
import type { BlobStore } from '@pullway/core'
import type { Source } from '../../../core/src/cache/source.ts'
import { digestOf, inPieces, isSame, makeBytes } from '../../contract/content.ts'
import { createFaultyStore, type StoreFault } from '../support/faulty-store.ts'
import { createFillWorld, type Detach } from '../support/fill-world.ts'
import { createForgetfulStore, createLazyContent } from '../support/lazy-content.ts'
import { readSome, readToEnd } from '../support/reading.ts'
import { isPending, turns, until } from '../support/turns.ts'

const mebibyte = 2 ** 20
const bytes = makeBytes(6 * mebibyte)
const size = bytes.byteLength
const digest = digestOf(bytes)
const pieces = inPieces(bytes, 128 * 1024)

function sourceOf(left: Uint8Array<ArrayBuffer>[]): Source {
  return {
    next: async () => left.shift(),
    cancel: async () => undefined,
    blame: () => undefined,
  }
}

/** A request of its own: as an upstream that answers well. */
const download: Detach = async (first, last) => {
  const left = inPieces(bytes.slice(first, last === undefined ? size : last + 1), 300_000)
  return sourceOf(left)
}

async function settle(fault?: StoreFault, fromNth?: number) {
  const store = createFaultyStore()
  if (fault) store.fail(fault, fromNth)
  const world = await createFillWorld({ digest, size, store })
  const pushAll = async (): Promise<void> => {
    for (const piece of pieces) {
      world.source.push(piece)
      await turns(1)
    }
    world.source.end()
  }
  return { ...world, store, pushAll }
}

describe('a slow client', () => {
  test('reads on from what is stored, also when the blob is there already', async () => {
    const { fill, follow, store, pushAll, detached } = await settle()
    const body = follow()
    await pushAll()
    await fill.finished
    expect(await store.stat(digest)).toEqual({ size })
    // Its bytes are still to be had from the write.
    expect(store.openWrites).toBe(1)
    const { bytes: read, broken } = await readToEnd(body)
    expect(isSame(read, bytes)).toBe(true)
    expect([broken, detached]).toEqual([undefined, []])
    await until(() => store.openWrites === 0, 'the write is released')
  })

  test('that goes away releases it', async () => {
    const { fill, follow, store, pushAll } = await settle()
    const [one, other] = [follow(), follow(mebibyte)]
    await pushAll()
    await fill.finished
    await one.cancel()
    await turns(3)
    expect(store.openWrites).toBe(1)
    await other.cancel()
    await until(() => store.openWrites === 0, 'the write is released')
  })

  test('asks for itself where what is written cannot be read', async () => {
    const { fill, follow, store, pushAll, detached } = await settle()
    const body = follow(0, size - 1, download)
    const fast = readToEnd(follow())
    await pushAll()
    await fill.finished
    expect(isSame((await fast).bytes, bytes)).toBe(true)
    store.fail('read')
    const { bytes: read, broken } = await readToEnd(body)
    expect(isSame(read, bytes)).toBe(true)
    expect(broken).toBeUndefined()
    expect(detached).toEqual([[0, size - 1]])
  })

  test('that is reading when the content turns out wrong is told so', async () => {
    const store = createFaultyStore()
    let goOn: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    const slowStore: BlobStore = {
      ...store,
      async write(wanted, length) {
        const write = await store.write(wanted, length)
        return { ...write, read: (at, most) => gate.then(() => write.read!(at, most)) }
      },
    }
    const { source, fill, follow, detached } = await createFillWorld({
      digest,
      size,
      store: slowStore,
    })
    for (const piece of inPieces(makeBytes(size, 9), 128 * 1024)) source.push(piece)
    await until(() => store.appendedBytes === size, 'all is written')
    const reading = readToEnd(follow(0, size - 1, download))
    await turns(3)
    source.end()
    await fill.finished
    await turns(3)
    goOn()
    expect((await reading).broken).toMatchObject({ name: 'DigestMismatch' })
    expect(detached).toEqual([])
  })

  test('that asks for itself is not given wrong bytes for whole', async () => {
    const { fill, source, follow, store } = await settle()
    const wrong = bytes.slice()
    wrong[size - 1]! ^= 1
    const body = follow(0, size - 1, async (first) => {
      const left = [wrong.slice(first)]
      return sourceOf(left)
    })
    for (const piece of inPieces(wrong, 128 * 1024)) source.push(piece)
    await until(() => fill.received() === size, 'all has come')
    store.fail('read')
    const reading = readToEnd(body)
    await turns(50)
    source.end()
    await fill.finished
    expect((await reading).broken).toBeDefined()
  })
})

describe('a store that fails during a download', () => {
  test.each<[StoreFault, number]>([
    ['append', 1],
    ['append', 2],
    ['append', 10],
    ['commit', 1],
    ['write', 1],
  ])('%s, the time %i: all clients get all bytes', async (fault, nth) => {
    const { fill, follow, store, pushAll, logger, metrics } = await settle(fault, nth)
    const clients = [
      readToEnd(follow(0, size - 1, download)),
      readToEnd(follow(0, size - 1, download)),
      readToEnd(follow(3 * mebibyte, size - 1, download)),
    ]
    await pushAll()
    await fill.finished
    const [one, other, part] = await Promise.all(clients)
    for (const { bytes: read, broken } of [one!, other!]) {
      expect(isSame(read, bytes)).toBe(true)
      expect(broken).toBeUndefined()
    }
    expect(isSame(part!.bytes, bytes.slice(3 * mebibyte))).toBe(true)
    expect(await store.stat(digest)).toBeUndefined()
    await until(() => store.openWrites === 0, 'the write is released')
    expect(logger.entries.map(({ message }) => message)).toEqual([
      'the cache fails; pulls go on without it',
    ])
    expect(metrics.render()).toContain('pullway_store_failures_total{operation="write"} 1\n')
  })

  test('a client that was reading from it goes on', async () => {
    const { source, fill, follow, store, detached } = await settle()
    const slow = follow(0, size - 1, download)
    const fast = readToEnd(follow())
    for (const piece of pieces.slice(0, 24)) source.push(piece)
    await until(() => store.appendedBytes === 3 * mebibyte, 'half is written')
    const before = await readSome(slow, mebibyte)
    store.fail('append')
    for (const piece of pieces.slice(24)) source.push(piece)
    source.end()
    const after = await readToEnd(slow, [before])
    expect(isSame(after.bytes, bytes)).toBe(true)
    expect(after.broken).toBeUndefined()
    expect(isSame((await fast).bytes, bytes)).toBe(true)
    await fill.finished
    // What was stored is used: its own request begins behind it.
    for (const [first] of detached) expect(first).toBeGreaterThanOrEqual(3 * mebibyte)
  })

  test('with nobody there it ends', async () => {
    const { source, fill, follow, store, logger } = await settle()
    const only = follow()
    source.push(...pieces.slice(0, 8))
    await readSome(only, mebibyte / 2)
    await only.cancel()
    store.fail('append')
    for (const piece of pieces.slice(8)) source.push(piece)
    await fill.finished
    expect(source.cancelled).toBeInstanceOf(Error)
    expect(logger.entries.map(({ level }) => level)).toEqual(['error', 'warn'])
    await until(() => store.openWrites === 0, 'the write is released')
  })

  test('with nobody there ever it ends as well', async () => {
    const { source, fill, store } = await settle()
    store.fail('append', 2)
    for (const piece of pieces) {
      source.push(piece)
      await turns(2)
    }
    source.end()
    await turns(100)
    expect(await isPending(fill.finished)).toBe(false)
  })
})

describe('without a store', () => {
  const settleWithout = () => createFillWorld({ digest, size, store: undefined })

  test('the fastest client sets the pace', async () => {
    const { source, fill, follow } = await settleWithout()
    const body = follow()
    source.push(...pieces)
    source.end()
    await turns(20)
    const ahead = fill.received()
    expect(ahead).toBeLessThanOrEqual(mebibyte / 2)
    await readSome(body, 2 * mebibyte)
    await turns(20)
    expect(fill.received()).toBeGreaterThanOrEqual(2.25 * mebibyte)
    expect(fill.received()).toBeLessThanOrEqual(3 * mebibyte)
    await body.cancel()
    await fill.finished
  })

  test('a slow one asks for itself, and both get all bytes', async () => {
    const { source, fill, follow, detached } = await settleWithout()
    const fast = follow()
    const slow = follow(0, size - 1, download)
    const before = await Promise.all([
      (source.push(pieces[0]!), readSome(fast, 1)),
      readSome(slow, 1),
    ])
    source.push(...pieces.slice(1))
    source.end()
    const read = await readToEnd(fast, [before[0]])
    expect(isSame(read.bytes, bytes)).toBe(true)
    await fill.finished
    const late = await readToEnd(slow, [before[1]])
    expect(isSame(late.bytes, bytes)).toBe(true)
    expect(detached).toEqual([[before[1].byteLength, size - 1]])
  })

  test('two at the same pace share one download', async () => {
    const { source, fill, follow, detached } = await settleWithout()
    const both = [readToEnd(follow()), readToEnd(follow())]
    for (const piece of pieces) {
      source.push(piece)
      await turns(1)
    }
    source.end()
    for (const { bytes: read } of await Promise.all(both)) expect(isSame(read, bytes)).toBe(true)
    await fill.finished
    expect(detached).toEqual([])
  })

  test('when the last one leaves, the upstream is left too', async () => {
    const { source, fill, follow, logger } = await settleWithout()
    const [one, other] = [follow(), follow()]
    source.push(...pieces)
    await readSome(one, 10)
    await one.cancel()
    await turns(10)
    expect(source.cancelled).toBeUndefined()
    await other.cancel()
    await fill.finished
    expect(source.cancelled).toBeInstanceOf(Error)
    expect(logger.entries).toHaveLength(1)
  })

  test('with nobody there ever it ends', async () => {
    const { source, fill } = await settleWithout()
    source.push(...pieces)
    source.end()
    await turns(100)
    expect(await isPending(fill.finished)).toBe(false)
  })
})

test('a store that is slower than the upstream holds it back', async () => {
  const content = createLazyContent(16 * mebibyte)
  const store = createForgetfulStore(content)
  let goOn: () => void = () => undefined
  store.delay = () => new Promise((resolve) => (goOn = resolve))
  const world = await createFillWorld({ digest: content.digest, size: content.size, store })
  for (let at = 0; at < content.size; at += 64 * 1024) world.source.push(content.at(at, 64 * 1024))
  world.source.end()
  await turns(50)
  expect(world.fill.received()).toBeLessThanOrEqual(1.25 * mebibyte)
  while (!store.committed.includes(content.digest)) {
    const before = store.appendedBytes
    expect(world.fill.received() - before).toBeLessThanOrEqual(2.5 * mebibyte)
    goOn()
    await turns(5)
  }
  await world.fill.finished
})
