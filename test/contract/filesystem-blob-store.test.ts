import { open, stat, truncate, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Digest } from '@pullway/core'
import { describe, expect, test, vi } from 'vitest'
import { type FileSystem, nodeFileSystem } from '../../adapters/node/src/file-system.ts'
import {
  createFilesystemBlobStore,
  type FilesystemBlobStore,
} from '../../adapters/node/src/filesystem-blob-store.ts'
import { takeNativeBody } from '../../adapters/node/src/native-body.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { put, read } from './blob-store.ts'
import { type Bytes, digestOf, isSame, makeBytes, readContent } from './content.ts'
import { createMemoryLogger } from './memory-logger.ts'
import { listFiles, makeFolder } from './temporary-folder.ts'

const bytes = makeBytes(1024 * 1024)
const digest = digestOf(bytes)

function makeStore(path: string, files: FileSystem = nodeFileSystem): FilesystemBlobStore {
  const clock = createFakeClock()
  return createFilesystemBlobStore({ path, clock, logger: createMemoryLogger(), files })
}

/** The real file system, but for what a test does to each opened file. */
function withHandles(change: (handle: FileHandle) => void): FileSystem {
  return {
    ...nodeFileSystem,
    open: async (...parameters) => {
      const handle = await open(...parameters)
      change(handle)
      return handle
    },
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: made by the test`), { code })
}

test('a blob is one file, at the place and with the mode that other tools expect', async () => {
  const path = await makeFolder()
  await put(makeStore(path), digest, bytes)
  const hex = digest.slice('sha256:'.length)
  const file = `blobs/sha256/${hex.slice(0, 2)}/${hex}`
  expect(await listFiles(path)).toEqual([file])
  const usual = join(await makeFolder(), 'usual')
  await writeFile(usual, '', { mode: 0o644 })
  expect((await stat(join(path, file))).mode).toBe((await stat(usual)).mode)
})

test('another store on the same folder sees a blob as soon as it is committed', async () => {
  const path = await makeFolder()
  const [one, other] = [makeStore(path), makeStore(path)]
  expect(await other.stat(digest)).toBeUndefined()
  await put(one, digest, bytes)
  expect(isSame(await read(other, digest), bytes)).toBe(true)
})

describe('a digest that is none never becomes a path', () => {
  test.each([
    '',
    'sha256',
    'sha256:',
    `sha256:${'a'.repeat(63)}`,
    `sha256:${'a'.repeat(65)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'g'.repeat(64)}`,
    `sha512:${'a'.repeat(64)}`,
    `md5:${'a'.repeat(32)}`,
    `sha256:../../${'a'.repeat(58)}`,
    `sha256:${'a'.repeat(64)}/../../x`,
    `sha256:${'a'.repeat(64)}\n`,
    `sha256:${'a'.repeat(64)}\0`,
    `../sha256:${'a'.repeat(64)}`,
    `sha256:sha256:${'a'.repeat(64)}`,
  ])('%j', async (text) => {
    const path = await makeFolder()
    const store = makeStore(path)
    const none = text as Digest
    await expect(store.stat(none)).rejects.toThrow(TypeError)
    await expect(store.open(none)).rejects.toThrow(TypeError)
    await expect(store.write(none)).rejects.toThrow(TypeError)
    await expect(store.remove(none)).rejects.toThrow(TypeError)
    expect(await listFiles(path)).toEqual([])
  })
})

describe('a disk in trouble', () => {
  test('is told from an absent blob', async () => {
    const path = await makeFolder()
    await writeFile(join(path, 'file'), '')
    const store = makeStore(join(path, 'file'))
    await expect(store.stat(digest)).rejects.toThrow('ENOTDIR')
    await expect(store.open(digest)).rejects.toThrow('ENOTDIR')
    await expect(store.write(digest)).rejects.toThrow('ENOTDIR')
    await expect(store.remove(digest)).rejects.toThrow('ENOTDIR')
  })

  test.each(['EROFS', 'EACCES', 'EMFILE', 'ENOSPC'])(
    'takes no write on %s, and is asked again',
    async (code) => {
      const path = await makeFolder()
      let isBroken = true
      const store = makeStore(path, {
        ...nodeFileSystem,
        open: (...parameters) => (isBroken ? Promise.reject(failure(code)) : open(...parameters)),
      })
      await expect(store.write(digest)).rejects.toThrow(code)
      isBroken = false
      await put(store, digest, bytes)
      expect(await store.stat(digest)).toEqual({ size: bytes.byteLength })
    },
  )

  test('takes no write that has no room', async () => {
    const path = await makeFolder()
    let blocks = 100
    const statfs: FileSystem['statfs'] = async () => ({ blocks, bavail: 10, bsize: 4096 })
    const store = makeStore(path, { ...nodeFileSystem, statfs })
    await expect(store.write(digest, 40_961)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await listFiles(path)).toEqual([])
    await (await store.write(digest, 40_960)).release()
    // A file system that counts nothing.
    blocks = 0
    await (await store.write(digest, 40_961)).release()
  })

  test.each(['ENOSPC', 'EIO', 'EDQUOT'])(
    'fails in the middle with %s: that write is lost, and nothing else',
    async (code) => {
      const path = await makeFolder()
      let room = 300_000
      const store = makeStore(
        path,
        withHandles((handle) => {
          const writev = handle.writev.bind(handle)
          handle.writev = async (buffers, position) => {
            if (room <= 0) throw failure(code)
            const result = await writev(buffers, position)
            room -= result.bytesWritten
            return result
          }
        }),
      )
      const write = await store.write(digest)
      await write.append([bytes.subarray(0, 300_000)])
      await expect(write.append([bytes.subarray(300_000)])).rejects.toThrow(code)
      // A later piece must not close the gap, nor a commit make it whole.
      room = 1e9
      await expect(write.append([bytes.subarray(300_000)])).rejects.toThrow(code)
      await expect(write.commit()).rejects.toThrow(code)
      const part = await write.read?.(0, 300_000)
      expect(isSame(part!, bytes.subarray(0, part!.byteLength))).toBe(true)
      await write.release()
      expect(await listFiles(path)).toEqual([])
      await put(store, digest, bytes)
      expect(isSame(await read(store, digest), bytes)).toBe(true)
    },
  )

  test.each(['sync', 'rename', 'mkdir'] as const)('fails at the end, in %s', async (step) => {
    const path = await makeFolder()
    let isBroken = false
    const fail = (): void => {
      if (isBroken) throw failure('EIO')
    }
    const store = makeStore(path, {
      ...withHandles((handle) => {
        const sync = handle.sync.bind(handle)
        handle.sync = async () => {
          if (step === 'sync') fail()
          await sync()
        }
      }),
      rename: async (from, to) => {
        if (step === 'rename') fail()
        await nodeFileSystem.rename(from, to)
      },
      mkdir: async (...parameters) => {
        if (step === 'mkdir') fail()
        return nodeFileSystem.mkdir(...parameters)
      },
    })
    const write = await store.write(digest)
    await write.append([bytes])
    isBroken = true
    await expect(write.commit()).rejects.toThrow('EIO')
    await write.release()
    expect(await store.stat(digest)).toBeUndefined()
    expect(await listFiles(path)).toEqual([])
  })

  test('is given the content before the name', async () => {
    const path = await makeFolder()
    const steps: string[] = []
    const store = makeStore(path, {
      ...withHandles((handle) => {
        const sync = handle.sync.bind(handle)
        handle.sync = async () => {
          await sync()
          steps.push('sync')
        }
      }),
      rename: async (from, to) => {
        steps.push('rename')
        await nodeFileSystem.rename(from, to)
      },
    })
    await put(store, digest, bytes)
    expect(steps.slice(0, 2)).toEqual(['sync', 'rename'])
  })

  test('that writes less than it was given is asked again', async () => {
    const path = await makeFolder()
    const store = makeStore(
      path,
      withHandles((handle) => {
        const writev = handle.writev.bind(handle)
        handle.writev = async (buffers, position) => {
          const [first] = buffers as readonly unknown[] as readonly Bytes[]
          const { bytesWritten } = await writev([first!.subarray(0, 777)], position)
          return { bytesWritten, buffers }
        }
      }),
    )
    const write = await store.write(digest)
    await write.append([bytes.subarray(0, 700), bytes.subarray(700, 5000), bytes.subarray(5000)])
    await write.commit()
    await write.release()
    expect(isSame(await read(store, digest), bytes)).toBe(true)
  })
})

/** A stored blob, and how often its file was closed. */
async function openCounted(range?: {
  first: number
  last: number
}): Promise<{ stream: ReadableStream<Bytes>; closes: () => number; file: string }> {
  const path = await makeFolder()
  await put(makeStore(path), digest, bytes)
  let closes = 0
  const store = makeStore(
    path,
    withHandles((handle) => {
      const close = handle.close.bind(handle)
      handle.close = () => {
        closes += 1
        return close()
      }
    }),
  )
  const stream = (await store.open(digest, range))?.content as ReadableStream<Bytes>
  return { stream, closes: () => closes, file: join(path, (await listFiles(path))[0]!) }
}

describe('the file behind a stream', () => {
  test('is closed once at the end', async () => {
    const { stream, closes } = await openCounted()
    const sizes: number[] = []
    for await (const chunk of stream) sizes.push(chunk.byteLength)
    expect(sizes).toEqual(Array.from({ length: 4 }, () => 256 * 1024))
    expect(closes()).toBe(1)
  })

  test('is closed once when nobody reads, or reads on', async () => {
    const unread = await openCounted()
    await unread.stream.cancel()
    expect(unread.closes()).toBe(1)

    const half = await openCounted()
    const reader = half.stream.getReader()
    await reader.read()
    const reading = reader.read()
    await reader.cancel()
    await reading
    expect(half.closes()).toBe(1)
  })

  test('is closed once when it is shorter than it was', async () => {
    const { stream, closes, file } = await openCounted()
    await truncate(file, 300_000)
    await expect(new Response(stream).arrayBuffer()).rejects.toThrow()
    expect(closes()).toBe(1)
  })

  test('is closed when the stream is forgotten', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { closes } = await openCounted()
    await vi.waitFor(() => {
      collect()
      expect(closes()).toBe(1)
    })
  })

  test('goes to the server that takes it, with the bytes asked for', async () => {
    const { stream, closes } = await openCounted({ first: 1000, last: 500_000 })
    const native = takeNativeBody(stream)!
    expect(native).toMatchObject({ first: 1000, last: 500_000 })
    const part = new Uint8Array(10)
    await native.handle.read(part, 0, 10, native.first)
    expect(part).toEqual(bytes.subarray(1000, 1010))

    expect(takeNativeBody(stream)).toBeUndefined()
    await stream.cancel()
    expect(closes()).toBe(0)
    await native.handle.close()
    expect(closes()).toBe(1)
  })

  test('is no longer read by a stream whose file was taken', async () => {
    const { stream, closes } = await openCounted()
    const { handle } = takeNativeBody(stream)!
    await expect(stream.getReader().read()).rejects.toThrow('taken')
    expect(closes()).toBe(0)
    await handle.close()
  })

  test('stays with a stream that somebody reads or has read from', async () => {
    const { stream, closes } = await openCounted()
    const reader = stream.getReader()
    expect(takeNativeBody(stream)).toBeUndefined()
    const { value } = await reader.read()
    reader.releaseLock()
    expect(takeNativeBody(stream)).toBeUndefined()
    const rest = await readContent({ size: bytes.byteLength, content: stream })
    expect(isSame(Buffer.concat([value!, rest]), bytes)).toBe(true)
    expect(closes()).toBe(1)
  })

  test('is still there after a Response was made of the stream', async () => {
    const { stream } = await openCounted()
    const { body } = new Response(stream, { headers: { 'content-length': '1048576' } })
    const native = takeNativeBody(body!)
    expect(native?.last).toBe(bytes.byteLength - 1)
    await native?.handle.close()
  })

  test('is behind no other stream', () => {
    expect(takeNativeBody(new ReadableStream())).toBeUndefined()
  })
})
