import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createFilesystemBlobStore } from '../../adapters/node/src/filesystem-blob-store.ts'
import { ingestName, thisWriter, type Writer } from '../../adapters/node/src/leftovers.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { put, read } from './blob-store.ts'
import { digestOf, makeBytes } from './content.ts'
import { createMemoryLogger } from './memory-logger.ts'
import { listFiles, makeFolder } from './temporary-folder.ts'

const minute = 60_000
const deadPid = spawnSync(process.execPath, ['--version']).pid

interface Leftover {
  readonly what: string
  readonly name: string
  readonly quietMinutes: number
  readonly isSwept: boolean
}

const by = (writer: Partial<Writer>): string => ingestName({ ...thisWriter, ...writer })

const leftovers: readonly Leftover[] = [
  { what: 'our own', name: by({}), quietMinutes: 0, isSwept: false },
  { what: 'our own, long quiet', name: by({}), quietMinutes: 600, isSwept: false },
  {
    what: 'our process id, before we began to live',
    name: by({ startedAt: thisWriter.startedAt - 1 }),
    quietMinutes: 0,
    isSwept: true,
  },
  { what: 'a dead process', name: by({ pid: deadPid }), quietMinutes: 0, isSwept: true },
  { what: 'a live process', name: by({ pid: process.ppid }), quietMinutes: 600, isSwept: false },
  { what: 'another user', name: by({ pid: 1 }), quietMinutes: 600, isSwept: false },
  {
    what: 'a dead process id of another place',
    name: by({ place: 'elsewhere_1_2', pid: deadPid }),
    quietMinutes: 59,
    isSwept: false,
  },
  {
    what: 'our process id in another place',
    name: by({ place: 'elsewhere_1_2', startedAt: 1 }),
    quietMinutes: 59,
    isSwept: false,
  },
  {
    what: 'another place, quiet for over an hour',
    name: by({ place: 'elsewhere_1_2' }),
    quietMinutes: 61,
    isSwept: true,
  },
  { what: 'nobody known', name: 'partial.download', quietMinutes: 59, isSwept: false },
  { what: 'nobody known, over an hour ago', name: 'x~y~z', quietMinutes: 61, isSwept: true },
]

test.each(leftovers)(
  'a file of $what, quiet for $quietMinutes min: swept $isSwept',
  async (row) => {
    const path = await makeFolder()
    const clock = createFakeClock()
    const store = createFilesystemBlobStore({ path, clock, logger: createMemoryLogger() })
    const file = join(path, 'ingest', row.name)
    await mkdir(join(path, 'ingest'))
    await writeFile(file, 'half')
    const touched = new Date(clock.now() - row.quietMinutes * minute)
    await utimes(file, touched, touched)

    expect(await store.sweepLeftovers()).toBe(row.isSwept ? 1 : 0)
    expect(await listFiles(path)).toEqual(row.isSwept ? [] : [`ingest/${row.name}`])
  },
)

test('a killed process leaves a file that is swept, a running one keeps its own', async () => {
  const path = await makeFolder()
  const clock = createFakeClock(Date.now() + 600 * minute)
  const logger = createMemoryLogger()
  const store = createFilesystemBlobStore({ path, clock, logger })
  const child = await startWriter(path)

  expect(await listFiles(path)).toHaveLength(1)
  expect(await store.sweepLeftovers()).toBe(0)
  expect(await listFiles(path)).toHaveLength(1)

  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await listFiles(path)).toHaveLength(1)
  expect(await store.sweepLeftovers()).toBe(1)
  expect(await listFiles(path)).toEqual([])
  expect(logger.entries).toEqual([
    { level: 'info', message: expect.stringContaining('Removed') as string, fields: { files: 1 } },
  ])
})

test('a sweep leaves blobs and writes in progress alone', async () => {
  const path = await makeFolder()
  const logger = createMemoryLogger()
  const store = createFilesystemBlobStore({ path, clock: createFakeClock(), logger })
  const bytes = makeBytes(1000)
  await put(store, digestOf(bytes), bytes)
  const other = makeBytes(1000, 2)
  const write = await store.write(digestOf(other))
  await write.append([other])

  expect(await store.sweepLeftovers()).toBe(0)
  await write.commit()
  await write.release()
  expect(await read(store, digestOf(bytes))).toEqual(bytes)
  expect(await read(store, digestOf(other))).toEqual(other)
  expect(logger.entries).toEqual([])
})

test('a folder that is not there, or none, stops nothing', async () => {
  const path = await makeFolder()
  const logger = createMemoryLogger()
  const clock = createFakeClock()
  const store = createFilesystemBlobStore({ path: join(path, 'absent'), clock, logger })
  expect(await store.sweepLeftovers()).toBe(0)
  expect(logger.entries).toEqual([])

  await writeFile(join(path, 'file'), '')
  const broken = createFilesystemBlobStore({ path: join(path, 'file'), clock, logger })
  expect(await broken.sweepLeftovers()).toBe(0)
  expect(logger.entries.map(({ level }) => level)).toEqual(['warn'])
})

async function startWriter(path: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'writer-process.ts')
  const child = spawn(process.execPath, [script, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  expect(line.toString()).toBe('writing\n')
  return child
}
