import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { put, read } from './blob-store.ts'
import { digestOf, isSame, makeBytes } from './content.ts'
import { connectTo, createHastyClock } from './s3-support.ts'
import { listFiles, makeFolder } from './temporary-folder.ts'

const mib = 1024 * 1024

interface S3Process {
  readonly process: ChildProcess
  readonly port: string
  readonly nextLine: () => Promise<string>
}

async function startProcess(...parameters: readonly string[]): Promise<S3Process> {
  const script = join(import.meta.dirname, 's3-process.ts')
  const child = spawn(process.execPath, [script, ...parameters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const nextLine = async (): Promise<string> => {
    const [text] = (await once(child.stdout, 'data')) as [Buffer]
    return text.toString().trim()
  }
  return { process: child, port: await nextLine(), nextLine }
}

test.each([
  { what: 'an object', size: 5 * mib },
  { what: 'the second part of an upload', size: 20 * mib },
])('S3 killed within $what, and started again', async ({ size }) => {
  const folder = await makeFolder()
  const bytes = makeBytes(size)
  const digest = digestOf(bytes)
  const before = await startProcess(folder, '0', 'stall')
  const store = connectTo(`http://127.0.0.1:${before.port}`, { clock: createHastyClock() })

  const write = await store.write(digest, size)
  const writing = expect(write.append([bytes]).then(() => write.commit())).rejects.toThrow()
  expect(await before.nextLine()).toBe('stalled')
  expect((await listFiles(folder)).join()).toContain('incoming/')
  before.process.kill('SIGKILL')
  await once(before.process, 'exit')
  await writing
  await write.release()
  await expect(store.stat(digest)).rejects.toThrow()

  await startProcess(folder, before.port)
  expect(await store.stat(digest)).toBeUndefined()
  expect(await store.open(digest)).toBeUndefined()
  await put(store, digest, bytes)
  expect(isSame(await read(store, digest), bytes)).toBe(true)
})
