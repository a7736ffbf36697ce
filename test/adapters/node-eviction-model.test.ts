import type { BlobWrite, Digest, StoredBlob } from '@pullway/core'
import { NoRoomError } from '@pullway/core'
import { expect, test } from 'vitest'
import {
  createFilesystemBlobStore,
  type FilesystemBlobStore,
} from '../../adapters/node/src/filesystem-blob-store.ts'
import { digestOf, makeBytes, readContent } from '../contract/content.ts'
import { createMemoryLogger } from '../contract/memory-logger.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { createFakeDisk, type FakeProcess } from '../fakes/file-system.ts'
import { createRandom } from '../fakes/random.ts'

const steps = 10_000
const maxBytes = 60_000
const hour = 3_600_000
const root = '/cache'

interface Content {
  readonly digest: Digest
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly manifests: readonly Digest[]
  readonly blobs: readonly Digest[]
  readonly isManifest: boolean
}

/** Images that share layers, indexes that share images, and blobs of nobody. */
function makeContents(random: () => number): ReadonlyMap<Digest, Content> {
  const contents = new Map<Digest, Content>()
  const add = (bytes: Uint8Array<ArrayBuffer>, names: Partial<Content> = {}): Digest => {
    const digest = digestOf(bytes)
    const none = { manifests: [], blobs: [], isManifest: false }
    contents.set(digest, { digest, bytes, ...none, ...names })
    return digest
  }
  const toBytes = (value: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(JSON.stringify(value))
  const blobs = Array.from({ length: 60 }, (_, seed) =>
    add(makeBytes(100 + Math.floor(random() * 6_000), seed + 1)),
  )
  // One that is larger than the whole cache.
  add(makeBytes(maxBytes + 1, 99))
  const images = Array.from({ length: 18 }, (_, number) => {
    const layers = Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(random, blobs))
    const named = [...new Set(layers)]
    const [config, ...rest] = named.map((digest) => ({ digest }))
    const manifest = { schemaVersion: 2, mediaType: image, config, layers: rest, number }
    return add(toBytes(manifest), { blobs: named, isManifest: true })
  })
  for (let number = 0; number < 5; number += 1) {
    const children = [...new Set([pick(random, images), pick(random, images)])]
    const manifests = children.map((digest) => ({ digest }))
    const bytes = toBytes({ schemaVersion: 2, mediaType: index, manifests, number })
    add(bytes, { manifests: children, isManifest: true })
  }
  return contents
}

const image = 'application/vnd.oci.image.manifest.v1+json'
const index = 'application/vnd.oci.image.index.v1+json'

function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!
}

interface Server {
  process: FakeProcess
  store: FilesystemBlobStore
  /** Sizes of what it writes. */
  writes: Map<BlobWrite, { readonly digest: Digest; readonly bytes: Uint8Array<ArrayBuffer> }>
}

type Kept = ReadonlySet<Digest>

test('ten thousand steps of two processes on one folder', { timeout: 60_000 }, async () => {
  const random = createRandom(Number(process.env['SEED'] ?? 1))
  const contents = makeContents(random)
  const all = [...contents.values()]
  const needers = new Map(
    all.map(({ digest }) => [
      digest,
      all.filter(({ blobs }) => blobs.includes(digest)).map((one) => one.digest),
    ]),
  )
  const clock = createFakeClock()
  const disk = createFakeDisk(() => clock.now())
  const usedAt = new Map<Digest, number>()
  /** Before this step: it may have used what it took away before. */
  let usedBefore: ReadonlyMap<Digest, number> = usedAt
  /** With what a process was at when it died. */
  const maybeUsedAt = new Map<Digest, number>()
  const readers: { readonly server: Server; readonly digest: Digest; readonly blob: StoredBlob }[] =
    []
  const counts = { evicted: 0, kills: 0, refused: 0, hits: 0, misses: 0, full: 0 }

  const start = async (): Promise<Server> => {
    const process = disk.process()
    const logger = createMemoryLogger()
    const options = { path: root, clock, logger, maxBytes, files: process.files }
    const store = createFilesystemBlobStore(options)
    await store.tidy()
    return { process, store, writes: new Map() }
  }
  /** In this step. */
  const written = new Set<Digest>()
  const servers = [await start(), await start()]

  /** Ends, or dies with its process. */
  const attempt = async (server: Server, work: Promise<unknown>): Promise<void> => {
    const progress = { isDone: false }
    const done = work.finally(() => (progress.isDone = true))
    done.catch(() => undefined)
    while (!progress.isDone && !server.process.isDead)
      await new Promise((resolve) => setImmediate(resolve))
    if (progress.isDone) await done
  }

  const begin = async (server: Server, { digest, bytes }: Content): Promise<void> => {
    try {
      const write = await server.store.write(digest, random() < 0.8 ? bytes.byteLength : undefined)
      server.writes.set(write, { digest, bytes })
    } catch (error) {
      refuse(error)
    }
  }

  const end = async (server: Server, write: BlobWrite): Promise<void> => {
    const { digest, bytes } = server.writes.get(write)!
    try {
      const half = Math.floor(bytes.byteLength / 2)
      await write.append([bytes.subarray(0, half)])
      await write.append([bytes.subarray(half)])
      if (random() < 0.9) {
        maybeUsedAt.set(digest, clock.now())
        written.add(digest)
        await write.commit()
        usedAt.set(digest, clock.now())
      }
    } catch (error) {
      refuse(error)
    } finally {
      await write.release()
      server.writes.delete(write)
    }
  }

  const refuse = (error: unknown): void => {
    const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC'
    if (!isFull && !(error instanceof NoRoomError)) throw error
    counts[isFull ? 'full' : 'refused'] += 1
  }

  const read = async (server: Server, { digest, bytes }: Content): Promise<void> => {
    maybeUsedAt.set(digest, clock.now())
    const blob = await server.store.open(digest)
    counts[blob ? 'hits' : 'misses'] += 1
    if (!blob || server.process.isDead) return
    usedAt.set(digest, clock.now())
    if (random() < 0.2) readers.push({ server, digest, blob })
    else expect(Buffer.compare(await readContent(blob), bytes)).toBe(0)
  }

  const step = async (server: Server): Promise<void> => {
    const chance = random()
    const open = [...server.writes.keys()]
    if (chance < 0.35) return read(server, pick(random, all))
    if (chance < 0.6 && open.length < 4) return begin(server, pick(random, all))
    if (chance < 0.9 && open.length > 0) return end(server, pick(random, open))
    if (chance < 0.95) return clock.advance(random() * 0.7 * hour)
    if (chance < 0.955) disk.maxBytes = Math.floor(random() * 8_000)
    else if (chance < 0.98) disk.maxBytes = Infinity
    else disk.diesAfter = Math.floor(random() * 40)
  }

  let before = keptOn(disk.files)
  for (let number = 0; number < steps; number += 1) {
    const position = random() < 0.5 ? 0 : 1
    const server = servers[position]!
    written.clear()
    usedBefore = new Map(usedAt)
    const work = step(server).then(() => server.store.tidy())
    await attempt(server, work)
    if (server.process.isDead) {
      counts.kills += 1
      // What it has locked is free again when its lease is over: here all processes are one.
      await clock.advance(61_000)
      servers[position] = await start()
    }
    if (number % 10 === 0) await clock.advance(3_000)
    for (const { store } of servers) if (disk.diesAfter === undefined) await store.tidy()
    if (readers.length > 10) {
      const { server: reading, digest, blob } = readers.shift()!
      if (servers.includes(reading))
        expect(Buffer.compare(await readContent(blob), contents.get(digest)!.bytes)).toBe(0)
    }
    before = check(before, number)
  }

  disk.diesAfter = undefined
  for (const server of servers) {
    for (const write of [...server.writes.keys()]) await end(server, write)
  }
  await clock.advance(hour)
  for (const { store } of servers) await store.tidy()
  expect(sizeOf(keptOn(disk.files))).toBeLessThanOrEqual(maxBytes)
  // All of it has happened, and often.
  const text = JSON.stringify(counts)
  expect(Math.min(counts.evicted, counts.hits, counts.misses), text).toBeGreaterThan(400)
  expect(Math.min(counts.kills, counts.refused, counts.full), text).toBeGreaterThan(5)

  function check(before: Kept, number: number): Kept {
    const { files } = disk
    const after = keptOn(files)
    const gone = [...before].filter((digest) => !after.has(digest))
    counts.evicted += gone.length
    for (const [path, { bytes }] of files) {
      const digest = digestAt(path)
      const isLookedAt =
        digest && (number % 100 === 0 || written.has(digest) || !before.has(digest))
      if (isLookedAt && Buffer.compare(bytes, contents.get(digest)!.bytes) !== 0)
        expect.fail(`${path} is not what its name says`)
    }
    for (const digest of gone) expectRightly(digest, before, after)
    const isSteady = number % 10 === 0 && disk.diesAfter === undefined && disk.maxBytes === Infinity
    const running = servers.flatMap(({ writes }) => [...writes.values()])
    if (isSteady && running.length === 0) expect(sizeOf(after)).toBeLessThanOrEqual(maxBytes)
    return after
  }

  function expectRightly(digest: Digest, before: Kept, after: Kept): void {
    const { isManifest, manifests } = contents.get(digest)!
    const neededBy = needers
      .get(digest)!
      // One that has come in this step may have come after.
      .filter((one) => after.has(one) && !written.has(one))
    expect(neededBy, `${digest} was taken away under a manifest`).toEqual([])
    if (!isManifest) return
    expect(manifests.filter((child) => after.has(child) && before.has(child))).toEqual([])
    const use = lastUse(digest, before, usedBefore)
    for (const one of after) {
      const wasHere = before.has(one) && !written.has(one)
      if (wasHere && isNeedless(one, before) && isNeedless(one, after))
        expect.fail(`${digest} went before ${one}, which no manifest needs`)
      // An hour is what one process may not know of the other.
      // An index counts as used with its images, until the last of them has gone.
      const isLeft = contents
        .get(one)!
        .manifests.some((child) => before.has(child) && !after.has(child))
      if (wasHere && contents.get(one)!.isManifest && !isLeft)
        expect(
          use - Math.max(lastUse(one, before, maybeUsedAt), lastUse(one, after, maybeUsedAt)),
        ).toBeLessThanOrEqual(hour)
    }
  }

  function isNeedless(digest: Digest, kept: Kept): boolean {
    return !contents.get(digest)!.isManifest && countNeeds(digest, kept) === 0
  }

  function lastUse(digest: Digest, kept: Kept, dates: ReadonlyMap<Digest, number>): number {
    const { blobs, manifests } = contents.get(digest)!
    const own = blobs.filter((blob) => kept.has(blob) && countNeeds(blob, kept) === 1)
    const children = manifests.filter((child) => kept.has(child))
    return Math.max(
      dates.get(digest) ?? 0,
      ...own.map((blob) => dates.get(blob) ?? 0),
      ...children.map((child) => lastUse(child, kept, dates)),
    )
  }

  function countNeeds(blob: Digest, kept: Kept): number {
    return needers.get(blob)?.filter((one) => kept.has(one)).length ?? 0
  }

  function sizeOf(kept: Kept): number {
    return [...kept].reduce((total, digest) => total + contents.get(digest)!.bytes.byteLength, 0)
  }
})

function keptOn(files: ReadonlyMap<string, unknown>): Kept {
  return new Set([...files.keys()].flatMap((path) => digestAt(path) ?? []))
}

function digestAt(path: string): Digest | undefined {
  const [, hex] = /^\/cache\/blobs\/sha256\/..\/(\w{64})$/.exec(path) ?? []
  return hex === undefined ? undefined : `sha256:${hex}`
}
