import { expect, test } from 'vitest'
import type { BlobWrite } from '@pullway/core'
import { createFakeClock } from '../../fakes/clock.ts'
import { createSpool } from '../../../core/src/cache/spool.ts'
import type { ForgivingStore } from '../../../core/src/cache/store.ts'
import { inPieces, isSame, makeBytes } from '../../contract/content.ts'
import { isPending, turns } from '../support/turns.ts'

const mebibyte = 2 ** 20

/** A write whose appends end when the test says so. */
function createSlowWrite() {
  const appends: { bytes: number; end(error?: Error): void }[] = []
  const written: Uint8Array[] = []
  const log: string[] = []
  const write: BlobWrite = {
    append: (chunks) =>
      new Promise((resolve, reject) => {
        const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
        appends.push({
          bytes,
          end(error) {
            if (error) {
              reject(error)
              return
            }
            written.push(...chunks)
            resolve()
          },
        })
      }),
    read: async (position, length) =>
      new Uint8Array(Buffer.concat(written).subarray(position, position + length)),
    async commit() {
      log.push('commit')
    },
    async release() {
      log.push('release')
    },
  }
  return { write, appends, log }
}

function settle() {
  const reports: string[] = []
  const store: Pick<ForgivingStore, 'reportWrite' | 'reportCommit'> = {
    reportWrite: (error) => void reports.push(String(error)),
    reportCommit: () => void reports.push('committed'),
  }
  let written = 0
  const slow = createSlowWrite()
  const clock = createFakeClock()
  const absent = async (): Promise<undefined> => undefined
  const unused = {
    reportHang: store.reportWrite,
    reportRead: () => undefined,
    remove: absent,
    used: () => undefined,
  }
  const full: ForgivingStore = { ...store, ...unused, stat: absent, open: absent, write: absent }
  const spool = createSpool(slow.write, full, clock, () => {
    written += 1
  })
  return { ...slow, clock, spool, reports, full, written: () => written }
}

test('chunks that come during an append go with the next one', async () => {
  const { spool, appends, written } = settle()
  const bytes = makeBytes(600)
  const pieces = inPieces(bytes, 100)
  for (const piece of pieces.slice(0, 5)) await spool.put(piece)
  expect(appends.map((append) => append.bytes)).toEqual([100])
  expect(spool.end()).toBe(0)
  appends[0]!.end()
  await turns(2)
  expect(appends.map((append) => append.bytes)).toEqual([100, 400])
  expect([spool.end(), written()]).toEqual([100, 1])
  appends[1]!.end()
  await turns(2)
  await spool.put(pieces[5]!)
  appends[2]!.end()
  await turns(2)
  expect(spool.end()).toBe(600)
  expect(isSame((await spool.read(0, 1_000))!, bytes)).toBe(true)
})

test('what is not written cannot be read', async () => {
  const { spool, appends } = settle()
  await spool.put(makeBytes(100))
  expect(spool.read(0, 10)).toBeUndefined()
  appends[0]!.end()
  await turns(2)
  expect(await spool.read(90, 100)).toEqual(makeBytes(100).subarray(90))
  expect(spool.read(100, 1)).toBeUndefined()
})

test('no more than half a mebibyte waits', async () => {
  const { spool, appends } = settle()
  await spool.put(makeBytes(mebibyte / 2))
  await spool.put(makeBytes(mebibyte / 2))
  const blocked = spool.put(makeBytes(1))
  expect(await isPending(blocked)).toBe(true)
  appends[0]!.end()
  await turns(2)
  expect(await isPending(blocked)).toBe(true)
  appends[1]!.end()
  await blocked
})

test('a commit waits for what is not written, and a release for both', async () => {
  const { spool, appends, log, reports } = settle()
  await spool.put(makeBytes(10))
  const commit = spool.commit()
  expect(await isPending(commit)).toBe(true)
  appends[0]!.end()
  await commit
  await spool.release()
  expect([log, reports]).toEqual([['commit', 'release'], ['committed']])
})

test('a release waits for what is being written', async () => {
  const { spool, appends, log } = settle()
  await spool.put(makeBytes(10))
  const release = spool.release()
  expect(await isPending(release)).toBe(true)
  expect(log).toEqual([])
  appends[0]!.end()
  await release
  expect(log).toEqual(['release'])
})

test('an append that fails closes it, and is reported once', async () => {
  const { spool, appends, log, reports } = settle()
  await spool.put(makeBytes(10))
  appends[0]!.end()
  await turns(2)
  await spool.put(makeBytes(2 * mebibyte))
  const blocked = spool.put(makeBytes(mebibyte + 1))
  appends[1]!.end(new Error('disk full'))
  await blocked
  expect(spool.isOpen()).toBe(false)
  // What was written before can still be read.
  expect(spool.end()).toBe(10)
  expect(await spool.read(0, 10)).toEqual(makeBytes(10))
  await spool.commit()
  await spool.release()
  expect([log, reports]).toEqual([['release'], ['Error: disk full']])
  expect(appends).toHaveLength(2)
})

test('a commit that fails is reported, not thrown', async () => {
  const { write, full, reports } = settle()
  const failing = { ...write, commit: () => Promise.reject(new Error('read-only')) }
  const spool = createSpool(failing, full, createFakeClock(), () => undefined)
  await spool.commit()
  expect(reports).toEqual(['Error: read-only'])
  expect(spool.isOpen()).toBe(false)
})

test('no store is a closed one', async () => {
  const { full } = settle()
  const spool = createSpool(undefined, full, createFakeClock(), () => undefined)
  expect(spool.isOpen()).toBe(false)
  expect(spool.read(0, 1)).toBeUndefined()
  await spool.commit()
  await spool.release()
})

test('a write that cannot be read back', async () => {
  const { write, appends, full } = settle()
  const unreadable: BlobWrite = {
    append: (chunks) => write.append(chunks),
    commit: () => write.commit(),
    release: () => write.release(),
  }
  const spool = createSpool(unreadable, full, createFakeClock(), () => undefined)
  await spool.put(makeBytes(10))
  appends[0]!.end()
  await turns(2)
  expect(spool.end()).toBe(10)
  expect(spool.read(0, 5)).toBeUndefined()
})

test('a store that hangs is given up, with what is on its way', async () => {
  const { spool, clock, reports, log } = settle()
  const bytes = makeBytes(mebibyte)
  await spool.put(bytes.subarray(0, 100))
  const waiting = spool.put(bytes)
  await clock.advance(14_999)
  expect(await isPending(waiting)).toBe(true)
  await clock.advance(1)
  await waiting
  expect([spool.isOpen(), reports.length]).toEqual([false, 1])
  expect(log).toEqual(['release'])
  await spool.release()
  expect(clock.sleepers).toBe(0)
})

test('with no memory to wait in, each chunk is written before the next one comes', async () => {
  const { write, appends } = createSlowWrite()
  const store: Pick<ForgivingStore, 'reportWrite' | 'reportCommit'> = {
    reportWrite: () => undefined,
    reportCommit: () => undefined,
  }
  const spool = createSpool(write, store as ForgivingStore, createFakeClock(), () => undefined, {
    waitingBytes: () => 0,
  })
  const put = spool.put(makeBytes(10))
  expect(await isPending(put)).toBe(true)
  appends[0]!.end()
  await put
  expect(spool.end()).toBe(10)
})
