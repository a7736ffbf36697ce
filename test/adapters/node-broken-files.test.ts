import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, truncate } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DamagedBlobError, type Digest } from '@pullway/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../adapters/node/src/clock.ts'
import { type FileSystem, nodeFileSystem } from '../../adapters/node/src/file-system.ts'
import { createFilesystemBlobStore } from '../../adapters/node/src/filesystem-blob-store.ts'
import {
  connectRaw,
  createRecordingLogger,
  eventually,
  openFilesUnder,
  startTestServer,
} from './node-support.ts'

const size = 5 * 1024 * 1024 + 123
const bytes = randomBytes(size)
const hex = 'c'.repeat(64)
const digest: Digest = `sha256:${hex}`
const get = 'GET / HTTP/1.1\r\nHost: mirror.test\r\nConnection: close\r\n\r\n'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pullway-broken-'))
})

afterAll(() => rm(folder, { recursive: true }))

const storeOn = (files: FileSystem): ReturnType<typeof createFilesystemBlobStore> =>
  createFilesystemBlobStore({
    path: folder,
    clock: systemClock,
    logger: createRecordingLogger(),
    files,
  })

beforeEach(async () => {
  const write = await storeOn(nodeFileSystem).write(digest, size)
  await write.append([bytes])
  await write.commit()
  await write.release()
})

/** The real file system, whose files fail from a byte on. */
function failingAt(limit: number, code: string): FileSystem {
  return {
    ...nodeFileSystem,
    async open(...parameters) {
      const handle: FileHandle = await open(...parameters)
      const read = handle.read.bind(handle) as (...all: unknown[]) => Promise<unknown>
      const failing = async (into: Uint8Array, offset: number, length: number, at: number) => {
        if (at >= limit) throw Object.assign(new Error(`${code}: i/o error, read`), { code })
        return read(into, offset, Math.min(length, limit - at), at)
      }
      handle.read = failing as unknown as FileHandle['read']
      return handle
    },
  }
}

const cut: FileSystem = {
  ...nodeFileSystem,
  async open(...parameters) {
    const handle = await open(...parameters)
    const stats = await handle.stat()
    await truncate(join(folder, 'blobs/sha256/cc', hex), 1_000_003)
    handle.stat = (() => Promise.resolve(stats)) as unknown as FileHandle['stat']
    return handle
  },
}

interface Break {
  readonly what: string
  readonly files: FileSystem
  readonly position: number
  readonly isDamage: boolean
}

const breaks: readonly Break[] = [
  {
    what: 'the disk cannot read',
    files: failingAt(1_000_003, 'EIO'),
    position: 1_000_003,
    isDamage: true,
  },
  {
    what: 'a server has gone with',
    files: failingAt(1_000_003, 'ESTALE'),
    position: 1_000_003,
    isDamage: false,
  },
  {
    what: 'the disk cannot begin to read',
    files: failingAt(0, 'EIO'),
    position: 0,
    isDamage: true,
  },
  { what: 'is cut short', files: cut, position: 1_000_003, isDamage: true },
]

interface Asked {
  readonly position: number
  readonly error: unknown
}

type Reader = 'the server' | 'a stream'

/** A server of the stored file, with the rest from where the test says. */
async function startBroken(
  files: FileSystem,
  reader: Reader,
  rest: (position: number) => ReadableStream<Uint8Array>,
) {
  const asked: Asked[] = []
  const store = storeOn(files)
  const server = await startTestServer(async () => {
    const blob = await store.open(digest, { first: 0, last: size - 1 })
    blob?.whenBroken?.((position, error) => {
      asked.push({ position, error })
      return Promise.resolve(rest(position))
    })
    const content = blob?.content as ReadableStream<Uint8Array>
    // Behind another stream nobody sees the file.
    const body = reader === 'a stream' ? content.pipeThrough(new TransformStream()) : content
    return new Response(body, { headers: { 'content-length': String(size) } })
  })
  return { ...server, asked }
}

const from = (position: number): ReadableStream<Uint8Array> =>
  new Blob([bytes.subarray(position)]).stream()

const rows = breaks.flatMap((one) =>
  (['the server', 'a stream'] as const).map((reader) => ({ ...one, reader })),
)

describe.each(rows)(
  'a file that $what, read by $reader',
  ({ files, position, isDamage, reader }) => {
    test('goes on elsewhere from that byte, and is closed', async () => {
      await using server = await startBroken(files, reader, from)
      const body = Buffer.from(await (await fetch(server.url)).arrayBuffer())
      expect(body.equals(bytes)).toBe(true)
      expect(server.asked.map((one) => one.position)).toEqual([position])
      expect(server.asked[0]?.error instanceof DamagedBlobError).toBe(isDamage)
      await eventually(() => openFilesUnder(folder) === 0)
    })

    test.each([
      ['breaks as well', (at: number) => from(at).pipeThrough(breakAfter(300_000))],
      ['ends too early', () => new Blob([bytes.subarray(0, 1000)]).stream()],
    ])('breaks the answer where what goes on %s', async (_, rest) => {
      await using server = await startBroken(files, reader, rest)
      const client = connectRaw(server.port)
      client.socket.write(get)
      await client.ended
      expect(client.received().length).toBeLessThan(size)
      expect(server.asked).toHaveLength(1)
      await eventually(() => openFilesUnder(folder) === 0)
    })
  },
)

function breakAfter(limit: number): TransformStream<Uint8Array, Uint8Array> {
  let count = 0
  return new TransformStream({
    transform(chunk, controller) {
      count += chunk.byteLength
      if (count > limit) throw new Error('broken as well')
      controller.enqueue(chunk)
    },
  })
}
