import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyValue } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import { type FileSystem, nodeFileSystem } from '../../adapters/node/src/file-system.ts'
import { createFilesystemKeyValue } from '../../adapters/node/src/filesystem-key-value.ts'
import { sweepExpiredState } from '../../adapters/node/src/sweep-state.ts'
import { createFakeClock, type FakeClock } from '../fakes/clock.ts'
import { listFiles, makeFolder } from './temporary-folder.ts'

interface Place {
  readonly path: string
  readonly clock: FakeClock
  readonly store: KeyValue
}

async function makePlace(): Promise<Place> {
  const path = await makeFolder()
  const clock = createFakeClock()
  return { path, clock, store: createFilesystemKeyValue({ path, clock }) }
}

async function onlyFile(path: string): Promise<string> {
  const files = await listFiles(path)
  expect(files).toHaveLength(1)
  return join(path, files[0]!)
}

test('an entry is one file, named by the hash of its key', async () => {
  const { path, store } = await makePlace()
  await store.set('abc', 'value', 60)
  await store.set('abc', 'other', 60)
  expect(await listFiles(path)).toEqual([
    'state/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  ])
})

test('another process on the same folder sees it at once', async () => {
  const { path, clock, store } = await makePlace()
  const other = createFilesystemKeyValue({ path, clock })
  await store.set('key', 'value', 60)
  expect(await other.get('key')).toBe('value')
  await other.delete('key')
  expect(await store.get('key')).toBeUndefined()
})

describe('a file that is no entry', () => {
  test.each([
    '',
    '{',
    'null',
    '[]',
    '"value"',
    '{"key":"key","value":"value"}',
    '{"key":"key","value":"value","expiresAt":"9999999999999"}',
    '{"key":"key","value":7,"expiresAt":9999999999999}',
    '{"key":7,"value":"value","expiresAt":9999999999999}',
    '{"key":"key","value":"value","expiresAt":9999999999999',
    '\0\0\0\0',
  ])('%j is absent, and removed', async (text) => {
    const { path, store } = await makePlace()
    await store.set('key', 'value', 60)
    await writeFile(await onlyFile(path), text)
    expect(await store.get('key')).toBeUndefined()
    expect(await listFiles(path)).toEqual([])
  })

  test("another key's entry in its place is absent", async () => {
    const { path, store } = await makePlace()
    await store.set('key', 'value', 60)
    const file = await onlyFile(path)
    await writeFile(file, (await readFile(file, 'utf8')).replace('"key":"key"', '"key":"other"'))
    expect(await store.get('key')).toBeUndefined()
  })
})

describe('a disk in trouble', () => {
  test.each(['ENOSPC', 'EROFS', 'EACCES'])('throws %s and leaves nothing', async (code) => {
    const path = await makeFolder()
    const failure = Object.assign(new Error(`${code}: made by the test`), { code })
    const clock = createFakeClock()
    for (const step of ['writeFile', 'rename'] as const) {
      const files: FileSystem = { ...nodeFileSystem, [step]: () => Promise.reject(failure) }
      const store = createFilesystemKeyValue({ path, clock, files })
      await expect(store.set('key', 'value', 60)).rejects.toThrow(code)
    }
    expect(await listFiles(path)).toEqual([])
  })

  test('is told from an absent entry', async () => {
    const path = await makeFolder()
    await writeFile(join(path, 'file'), '')
    const clock = createFakeClock()
    const store = createFilesystemKeyValue({ path: join(path, 'file'), clock })
    await expect(store.get('key')).rejects.toThrow('ENOTDIR')
    await expect(store.set('key', 'value', 60)).rejects.toThrow('ENOTDIR')
    await expect(store.delete('key')).rejects.toThrow('ENOTDIR')
  })
})

describe('a sweep', () => {
  test('removes what is expired and what is no entry, and keeps the rest', async () => {
    const { path, clock, store } = await makePlace()
    await store.set('corrupt', 'value', 3600)
    await writeFile(await onlyFile(path), 'corrupt')
    await store.set('short', 'value', 10)
    await store.set('long', 'value', 3600)
    await clock.advance(10_000)
    expect(await sweepExpiredState({ path, clock })).toBe(2)
    expect(await listFiles(path)).toHaveLength(1)
    expect(await store.get('long')).toBe('value')
  })

  test('removes what a killed writer has left aside, once it is old', async () => {
    const { path, clock, store } = await makePlace()
    await store.set('key', 'value', 86_400)
    const aside = `${await onlyFile(path)}~0b5f`
    await writeFile(aside, '{"key"')
    for (const [minutes, removed] of [
      [59, 0],
      [61, 1],
    ] as const) {
      const touched = new Date(clock.now() - minutes * 60_000)
      await utimes(aside, touched, touched)
      expect(await sweepExpiredState({ path, clock })).toBe(removed)
    }
    expect(await store.get('key')).toBe('value')
  })

  test('looks at no more than it may, and comes to all in the end', async () => {
    const { path, clock, store } = await makePlace()
    for (let index = 0; index < 30; index += 1) await store.set(`key ${index}`, 'value', 1)
    await clock.advance(1000)
    expect(await sweepExpiredState({ path, clock, maxEntries: 10 })).toBe(10)
    expect(await listFiles(path)).toHaveLength(20)
    await sweepExpiredState({ path, clock, maxEntries: 10 })
    await sweepExpiredState({ path, clock, maxEntries: 10 })
    expect(await listFiles(path)).toEqual([])
  })

  test('of a folder that is not there removes nothing', async () => {
    const { path, clock } = await makePlace()
    expect(await sweepExpiredState({ path: join(path, 'absent'), clock })).toBe(0)
  })
})
