import { expect, test } from 'vitest'
import { createFillMemory } from '../../../core/src/cache/fill-memory.ts'
import { digestOf, inPieces, makeBytes } from '../../contract/content.ts'
import { createFaultyStore, type StoreFault } from '../support/faulty-store.ts'
import { createFillWorld } from '../support/fill-world.ts'
import { readToEnd } from '../support/reading.ts'
import { turns, until } from '../support/turns.ts'

const mebibyte = 2 ** 20
const bytes = makeBytes(2 * mebibyte)
const digest = digestOf(bytes)
const size = bytes.byteLength

/** A download whose memory the others have taken but for `left` bytes. */
async function settle(left: number, { isStored = true, fault }: Where = {}) {
  const memory = createFillMemory()
  const others = memory.share()
  others.hold(8 * mebibyte - left)
  const store = isStored ? createFaultyStore() : undefined
  if (fault) store?.fail(fault)
  const world = await createFillWorld({ digest, size, store, memory: memory.share() })
  const push = async (end = size): Promise<void> => {
    for (const piece of inPieces(bytes.slice(0, end), 64 * 1024)) {
      world.source.push(piece)
      await turns(2)
    }
    if (end === size) world.source.end()
  }
  /** What the download has left to others. */
  const free = (): number => {
    others.hold(8 * mebibyte - 512 * 1024)
    return others.waitingBytes()
  }
  return { ...world, push, free }
}

interface Where {
  readonly isStored?: boolean
  readonly fault?: StoreFault
}

const all = 512 * 1024

test.each([
  ['where there is memory', mebibyte, {}],
  ['where there is none', 0, {}],
  ['where there is none, and no store', 0, { isStored: false }],
  ['where there is none, and the store takes nothing', 0, { fault: 'append' }],
] as const)('a client gets every byte %s', async (_, left, where: Where) => {
  const { fill, follow, push, detached } = await settle(left, where)
  const [read] = await Promise.all([readToEnd(follow()), push(), fill.finished])
  expect(read.broken).toBeUndefined()
  expect(digestOf(read.bytes)).toBe(digest)
  expect(detached).toEqual([])
})

test('what is stored is held for nobody, however slow a client is', async () => {
  const { fill, follow, push, free } = await settle(mebibyte)
  const body = follow()
  await push(mebibyte)
  expect(free()).toBeLessThan(all)
  await body.cancel()
  const slow = follow()
  await push()
  await fill.finished.catch(() => undefined)
  expect(free()).toBe(all)
  await slow.cancel()
})

test.each<[string, Where, (world: Awaited<ReturnType<typeof settle>>) => void]>([
  ['fails', {}, ({ source }) => source.fail(new Error('cut'))],
  ['fails without a store', { isStored: false }, ({ source }) => source.fail(new Error('cut'))],
])('a download that %s leaves its memory to the others', async (_, where, end) => {
  const world = await settle(mebibyte, where)
  const body = world.follow()
  const reading = readToEnd(body)
  await world.push(mebibyte)
  expect(world.free()).toBeLessThan(all)
  end(world)
  await world.fill.finished
  expect((await reading).broken).toBeDefined()
  await until(() => world.free() === all, 'its memory is free')
})
