import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '@pullway/core'
import { NoRoomError } from '@pullway/core'
import { withMemory } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { takeLock } from '../../adapters/node/src/cache-lock.ts'
import { nodeFileSystem } from '../../adapters/node/src/file-system.ts'
import {
  createFilesystemBlobStore,
  type FilesystemBlobStore,
} from '../../adapters/node/src/filesystem-blob-store.ts'
import { ingestName, thisWriter } from '../../adapters/node/src/leftovers.ts'
import { put, read } from '../contract/blob-store.ts'
import { type Bytes, digestOf, isSame, makeBytes, readContent } from '../contract/content.ts'
import { createMemoryLogger } from '../contract/memory-logger.ts'
import { listFiles, makeFolder } from '../contract/temporary-folder.ts'
import { createFakeClock, type FakeClock } from '../fakes/clock.ts'
import { createFakeDisk } from '../fakes/file-system.ts'
import { eventually } from './node-support.ts'

const kib = 1024
const blobs = Array.from({ length: 10 }, (_, seed) => makeBytes(200 * kib, seed + 1))
const digests = blobs.map((bytes) => digestOf(bytes))
const hour = 3_600_000

interface World {
  readonly path: string
  readonly clock: FakeClock
  readonly store: FilesystemBlobStore
  /** Another process's. */
  readonly other: FilesystemBlobStore
}

/** Five blobs have room. The clock is the files' own, and moves on by itself. */
async function createWorld(maxBytes = 1000 * kib): Promise<World> {
  const path = await makeFolder()
  const clock = createFakeClock(Date.now())
  const create = (): FilesystemBlobStore =>
    createFilesystemBlobStore({ path, clock, logger: createMemoryLogger(), maxBytes })
  return { path, clock, store: create(), other: create() }
}

async function keep({ path, store, clock }: World, ...numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    const digest = digests[number]!
    await put(store, digest, blobs[number]!)
    // A file system's own dates may be the same for several files.
    const seconds = clock.now() / 1000
    await utimes(join(path, 'blobs/sha256', digest.slice(7, 9), digest.slice(7)), seconds, seconds)
    await store.tidy()
    await clock.advance(5_000)
  }
}

async function kept({ store }: Pick<World, 'store'>): Promise<readonly number[]> {
  const stats = await Promise.all(digests.map((digest) => store.stat(digest)))
  return stats.flatMap((stat, number) => (stat ? [number] : []))
}

test('what is used least goes, down to nine tenths of the limit', async () => {
  const world = await createWorld()
  await keep(world, 0, 1, 2, 3, 4)
  expect(await kept(world)).toEqual([0, 1, 2, 3, 4])
  await read(world.store, digests[0]!)
  await keep(world, 5)
  expect(await kept(world)).toEqual([0, 3, 4, 5])
  expect(world.store.usage()).toEqual({ bytes: 800 * kib, evictedBytes: 400 * kib })
})

test('a reader that has begun reads to the end, whatever goes meanwhile', async () => {
  const world = await createWorld()
  await keep(world, 0, 1, 2, 3, 4)
  const open = await Promise.all(digests.slice(0, 5).map((digest) => world.store.open(digest)))
  const other = await world.other.open(digests[0]!, { first: 10, last: 150_000 })
  await keep(world, 5, 6, 7, 8, 9)
  expect(await kept(world)).not.toContain(0)
  for (const [number, blob] of open.entries())
    expect(isSame(await readContent(blob!), blobs[number]!)).toBe(true)
  expect(isSame(await readContent(other!), blobs[0]!.subarray(10, 150_001))).toBe(true)
})

test('writes that run are left alone, and have their room', async () => {
  const world = await createWorld()
  await keep(world, 0, 1, 2, 3)
  const write = await world.store.write(digests[9]!, 200 * kib)
  await write.append([blobs[9]!.subarray(0, 1000)])
  await keep(world, 4, 5, 6)
  await write.append([blobs[9]!.subarray(1000)])
  await write.commit()
  await write.release()
  expect(isSame(await read(world.store, digests[9]!), blobs[9]!)).toBe(true)
  await world.store.tidy()
  expect(world.store.usage().bytes).toBeLessThanOrEqual(1000 * kib)
})

describe('no room', () => {
  test('for a blob larger than the limit, and for more at once than it', async () => {
    const world = await createWorld()
    await expect(world.store.write(digests[0]!, 1000 * kib + 1)).rejects.toThrow(NoRoomError)
    const running = await Promise.all(
      digests.slice(0, 5).map((digest) => world.store.write(digest, 200 * kib)),
    )
    await expect(world.store.write(digests[5]!, 1)).rejects.toThrow(NoRoomError)
    await running[0]!.release()
    await (await world.store.write(digests[5]!, 200 * kib)).release()
    for (const write of running) await write.release()
    expect(await listFiles(world.path)).toEqual([])
  })

  test('for a blob that nobody told the size of, when it has grown too large', async () => {
    const world = await createWorld()
    const write = await world.store.write(digests[0]!)
    await write.append(blobs.slice(0, 5))
    await expect(write.append([blobs[5]!])).rejects.toThrow(NoRoomError)
    await expect(write.commit()).rejects.toThrow(NoRoomError)
    await write.release()
    expect(await listFiles(world.path)).toEqual([])
    await keep(world, 0)
    expect(await kept(world)).toEqual([0])
  })
})

describe('a full disk', () => {
  async function createFullDisk() {
    const clock = createFakeClock()
    const disk = createFakeDisk(() => clock.now())
    const logger = createMemoryLogger()
    const { files } = disk.process()
    const store = createFilesystemBlobStore({ path: '/cache', clock, logger, files })
    for (const number of [0, 1, 2, 3, 4]) await put(store, digests[number]!, blobs[number]!)
    disk.maxBytes = disk.usedBytes()
    return { store, fill: (bytes: number) => store.write(digests[9]!, bytes) }
  }

  test('gives what is used least for what is new', async () => {
    const { store } = await createFullDisk()
    await put(store, digests[9]!, blobs[9]!)
    expect(await kept({ store })).toContain(9)
    expect((await kept({ store })).length).toBeGreaterThan(3)
  })

  test('loses nothing for a blob that would not fit on it either', async () => {
    const { store, fill } = await createFullDisk()
    await expect(fill(20_000 * kib)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await kept({ store })).toEqual([0, 1, 2, 3, 4])
  })
})

describe('several processes', () => {
  test('see what the others have written, and keep to one limit', async () => {
    const world = await createWorld()
    await keep(world, 0, 1, 2, 3)
    await world.clock.advance(5_000)
    await keep({ ...world, store: world.other }, 4, 5, 6)
    expect(await kept(world)).toEqual([2, 3, 4, 5, 6])
    await world.clock.advance(5_000)
    await world.store.tidy()
    expect(world.store.usage()).toEqual({ bytes: 1000 * kib, evictedBytes: 0 })
    expect(world.other.usage()).toEqual({ bytes: 1000 * kib, evictedBytes: 400 * kib })
  })

  test('know what the others have read', async () => {
    const world = await createWorld()
    await keep(world, 0, 1, 2, 3, 4)
    await world.clock.advance(2 * hour)
    await read(world.other, digests[0]!)
    // Its date is written behind the answer.
    const place = join(world.path, 'blobs/sha256', digests[0]!.slice(7, 9), digests[0]!.slice(7))
    await eventually(
      async () => (await nodeFileSystem.stat(place)).mtimeMs > world.clock.now() - hour,
    )
    await keep(world, 5)
    expect(await kept(world)).toEqual([0, 3, 4, 5])
  })

  test('read all day, a file gets one date an hour', async () => {
    const clock = createFakeClock()
    const disk = createFakeDisk(() => clock.now())
    let dates = 0
    disk.fault = (operation) => void (dates += operation === 'utimes' ? 1 : 0)
    const { files } = disk.process()
    const logger = createMemoryLogger()
    const store = createFilesystemBlobStore({ path: '/cache', clock, logger, files })
    const memory = withMemory(store, { maxBytes: 1e6, maxBlobBytes: 1e6 })
    await put(memory, digests[0]!, blobs[0]!)
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      await read(memory, digests[0]!)
      await clock.advance(60_000)
    }
    expect(dates).toBe(24)
  })

  test('forget in their memory what another one has removed', async () => {
    const { store, other, clock } = await createWorld()
    const memory = withMemory(store, { maxBytes: 1e6, maxBlobBytes: 1e6 })
    store.onRemoved((digest) => memory.forget(digest))
    await put(memory, digests[0]!, blobs[0]!)
    await read(memory, digests[0]!)
    await other.remove(digests[0]!)
    expect(await memory.stat(digests[0]!)).toBeDefined()
    await clock.advance(2 * hour)
    await read(memory, digests[0]!)
    await eventually(async () => (await memory.stat(digests[0]!)) === undefined)
  })
})

describe('the lock', () => {
  const by = (writer: object): string => ingestName({ ...thisWriter, ...writer })
  const rows: readonly (readonly [string, string, number, boolean])[] = [
    ['a live process, just now', by({ pid: process.ppid }), 0, false],
    ['a live process, 59 s ago', by({ pid: process.ppid }), 59_000, false],
    ['a live process that has stopped for over a minute', by({ pid: process.ppid }), 61_000, true],
    ['a process before us with our id', by({ startedAt: 1 }), 0, true],
    ['another machine, just now', by({ place: 'elsewhere' }), 0, false],
    ['another machine, over a minute ago', by({ place: 'elsewhere' }), 61_000, true],
    ['somebody with a clock an hour ahead', by({ place: 'elsewhere' }), -hour, true],
    ['nobody, as its write was cut off', '', 0, false],
    ['nobody, over a minute ago', '', 61_000, true],
    ['nonsense', '\0'.repeat(10_000), 0, false],
  ]
  test.each(rows)('of %s', async (_, owner, ageMs, isTaken) => {
    const path = await makeFolder()
    const clock = createFakeClock()
    const file = join(path, 'evict.lock')
    await writeFile(file, owner)
    const seconds = (clock.now() - ageMs) / 1000
    await utimes(file, seconds, seconds)
    const lock = await takeLock(nodeFileSystem, path, clock)
    expect(lock !== undefined).toBe(isTaken)
    await lock?.release()
    expect(await listFiles(path)).toEqual(isTaken ? [] : ['evict.lock'])
  })

  test('is had by one at a time, and not released by who has lost it', async () => {
    const path = await makeFolder()
    const clock = createFakeClock()
    const one = (await takeLock(nodeFileSystem, path, clock))!
    expect(await takeLock(nodeFileSystem, path, clock)).toBeUndefined()
    await clock.advance(50_000)
    await one.renew()
    await clock.advance(50_000)
    expect(await takeLock(nodeFileSystem, path, clock)).toBeUndefined()
    await clock.advance(61_000)
    const two = (await takeLock(nodeFileSystem, path, clock))!
    await one.release()
    expect(await readFile(join(path, 'evict.lock'), 'utf8')).toContain(thisWriter.place)
    await two.release()
    expect(await listFiles(path)).toEqual([])
  })

  test('held by another process keeps nobody from writing', async () => {
    const world = await createWorld()
    await keep(world, 0, 1, 2, 3, 4)
    const lock = (await takeLock(nodeFileSystem, world.path, world.clock))!
    await put(world.store, digests[5]!, blobs[5]!)
    expect(await kept(world)).toEqual([0, 1, 2, 3, 4, 5])
    await lock.release()
    await world.store.tidy()
    expect(world.store.usage().bytes).toBeLessThanOrEqual(1000 * kib)
  })
})

describe('a process that dies', () => {
  /** An image and its two layers, then another that makes it go; for each operation, a death at it. */
  test('at any operation leaves nothing partial, and no manifest without its blobs', async () => {
    const layers = [makeBytes(3000, 1), makeBytes(3000, 2)] as const
    const named = layers.map((bytes) => ({ digest: digestOf(bytes) }))
    const manifest = (number: number): Bytes =>
      new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, layers: named, number }))
    const contents = new Map<Digest, Bytes>(
      [...layers, manifest(1), makeBytes(6000, 3)].map((bytes) => [digestOf(bytes), bytes]),
    )
    let deaths = 0
    for (let operation = 0; ; operation += 1) {
      const clock = createFakeClock()
      const disk = createFakeDisk(() => clock.now())
      const logger = createMemoryLogger()
      const start = (): { store: FilesystemBlobStore; isDead: () => boolean } => {
        const process = disk.process()
        const options = { path: '/c', clock, logger, maxBytes: 10_000, files: process.files }
        return { store: createFilesystemBlobStore(options), isDead: () => process.isDead }
      }
      const { store, isDead } = start()
      disk.diesAfter = operation
      const work = async (): Promise<void> => {
        for (const [digest, bytes] of contents)
          await put(store, digest, bytes).then(() => store.tidy())
      }
      const progress = { isDone: false }
      void work().then(() => (progress.isDone = true))
      await eventuallyQuick(() => progress.isDone || isDead())
      if (!isDead()) break
      deaths += 1

      disk.diesAfter = undefined
      await clock.advance(2 * hour)
      const after = start()
      await after.store.tidy()
      const here = new Set<Digest>()
      for (const [digest, bytes] of contents) {
        const blob = await after.store.open(digest)
        if (!blob) continue
        here.add(digest)
        expect(isSame(await readContent(blob), bytes)).toBe(true)
      }
      const isHere = (digest: Digest): boolean => here.has(digest)
      if (isHere([...contents.keys()][2]!))
        expect(named.every(({ digest }) => isHere(digest))).toBe(true)
      for (const [digest, bytes] of contents) await put(after.store, digest, bytes)
      await after.store.sweepLeftovers()
      expect(after.store.usage().bytes).toBeGreaterThan(0)
    }
    expect(deaths).toBeGreaterThan(40)
  })

  async function eventuallyQuick(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve))
  }
})

test('a file that does not belong there is left alone', async () => {
  const world = await createWorld()
  const folder = join(world.path, 'blobs/sha256/ab')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'README'), 'x'.repeat(2_000_000))
  await writeFile(join(folder, 'c'.repeat(64)), 'x'.repeat(2_000_000))
  await writeFile(join(world.path, 'blobs/sha256/file'), 'x')
  await keep(world, 0, 1, 2, 3, 4, 5)
  expect(await listFiles(world.path)).toEqual(
    expect.arrayContaining(['blobs/sha256/ab/README', `blobs/sha256/ab/${'c'.repeat(64)}`]),
  )
  expect(await kept(world)).toEqual([2, 3, 4, 5])
})
