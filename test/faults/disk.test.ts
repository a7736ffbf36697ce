import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../clients/folder.ts'
import { run, until } from '../clients/process.ts'
import { buildImage, type Image } from '../fakes/registry/index.ts'
import {
  type FaultMirror,
  type FaultMirrorOptions,
  pull,
  runCache,
  startFaultMirror,
} from './mirror.ts'
import { type SlowRegistry, startSlowRegistry } from './slow-registry.ts'

const mib = 1024 * 1024
const images = Array.from({ length: 10 }, (_, number) =>
  buildImage({ seed: 200 + number, layers: 3, layerBytes: 500_000 }),
)
const [first, second, third] = images as [Image, Image, Image, ...Image[]]

let upstream: SlowRegistry

beforeAll(async () => {
  upstream = await startSlowRegistry(1)
  images.forEach((image, number) => upstream.push(`team/image${number}`, 'latest', image))
  return () => upstream.stop()
})

interface Stage extends FaultMirrorOptions {
  readonly mirror: FaultMirror
}

async function prepare(more: Partial<FaultMirrorOptions> = {}): Promise<FaultMirrorOptions> {
  const folder = await makeFolder('disk')
  onTestFinished(() => folder.remove())
  return { folder: folder.path, cache: join(folder.path, 'cache'), upstream: upstream.url, ...more }
}

async function start(options: FaultMirrorOptions): Promise<Stage> {
  const mirror = await startFaultMirror(options)
  onTestFinished(() => mirror.stop())
  return { ...options, mirror }
}

/** A disk of its own; needs root. */
async function mountDisk(bytes: number): Promise<FaultMirrorOptions> {
  const options = await prepare()
  await mkdir(options.cache)
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', options.cache])
  onTestFinished(async () => {
    await run('umount', ['--lazy', options.cache])
  })
  return options
}

async function pullAll({ mirror }: Stage): Promise<readonly string[]> {
  const answers: string[] = []
  for (const [number, image] of images.entries())
    answers.push(...(await pull(mirror, `team/image${number}`, image)))
  return [...new Set(answers)]
}

function fileOf(cache: string, digest: string): string {
  return join(cache, 'blobs/sha256', digest.slice(7, 9), digest.slice(7))
}

function isWhole(cache: string, { manifests, blobs }: Image): boolean {
  return [...manifests, ...blobs].every(({ digest }) => existsSync(fileOf(cache, digest)))
}

async function countHits({ mirror }: Stage): Promise<number> {
  const text = await (await fetch(`${mirror.url}/metrics`)).text()
  const hits = text.matchAll(/^pullway_cache_requests_total\{.*result="hit"\} (\d+)$/gm)
  return [...hits].reduce((sum, [, count]) => sum + Number(count), 0)
}

async function expectClean(stage: Stage): Promise<void> {
  expect((await runCache(stage, 'verify', '--no-heal')).stderr).toBe('')
  expect(stage.mirror.log()).not.toMatch(/a request failed|not handled|not caught/)
}

describe('a full disk', () => {
  test('makes room for what comes, though nobody set a limit', async () => {
    const stage = await start(await mountDisk(6 * mib))
    for (let round = 0; round < 3; round += 1) expect(await pullAll(stage)).toEqual(['200'])
    await until('the last image is kept', () => isWhole(stage.cache, images[9]!))
    expect(stage.mirror.log()).toContain('Evicted what was used least')
    await expectClean(stage)
  })

  test('keeps nothing of a blob that is larger, and all of the others', async () => {
    const stage = await start(await mountDisk(1 * mib))
    const large = buildImage({ seed: 300, layers: 1, layerBytes: 3 * mib })
    upstream.push('team/large', 'latest', large)
    for (let round = 0; round < 3; round += 1)
      expect(await pull(stage.mirror, 'team/large', large)).toEqual(['200'])
    await until('nothing is left of it', async () => {
      const left = await readdir(join(stage.cache, 'ingest'))
      return left.length === 0
    })
    await expectClean(stage)
  })

  test('filled by others in the middle of a fill: the client gets all of it', async () => {
    const stage = await start(await mountDisk(4 * mib))
    upstream.hold()
    const pulled = pull(stage.mirror, 'team/image0', first)
    await until('layers are on their way', () => upstream.held() >= 3)
    await writeFile(join(stage.cache, 'filler'), Buffer.alloc(4 * mib)).catch(() => undefined)
    upstream.release()
    expect(await pulled).toEqual(['200'])
    expect(await pull(stage.mirror, 'team/image1', second)).toEqual(['200'])
    await rm(join(stage.cache, 'filler'))
    // The first time it may come while room is still being made for what came before.
    await until('the cache works again', async () => {
      expect(await pull(stage.mirror, 'team/image2', third)).toEqual(['200'])
      return isWhole(stage.cache, third)
    })
    await expectClean(stage)
  })
})

describe('a read-only disk', () => {
  test('serves what it has, streams the rest, and takes writes again when it can', async () => {
    const stage = await start(await mountDisk(20 * mib))
    expect(await pull(stage.mirror, 'team/image0', first)).toEqual(['200'])
    await until('it is kept', () => isWhole(stage.cache, first))
    await until('nothing is written', async () => {
      await run('mount', ['-o', 'remount,ro', stage.cache]).catch(() => undefined)
      return (await run('mount', [])).includes(`${stage.cache} type tmpfs (ro`)
    })
    const before = await countHits(stage)
    expect(await pull(stage.mirror, 'team/image0', first)).toEqual(['200'])
    expect(await countHits(stage)).toBeGreaterThan(before)
    expect(await pull(stage.mirror, 'team/image1', second)).toEqual(['200'])
    expect(isWhole(stage.cache, second)).toBe(false)

    const other = await start(stage)
    expect(await pull(other.mirror, 'team/image1', second)).toEqual(['200'])
    const ready = await fetch(`${other.mirror.url}/readyz`)
    expect([ready.status, await ready.text()]).toEqual([503, 'cache folder not writable (EROFS)\n'])

    await run('mount', ['-o', 'remount,rw', stage.cache])
    expect(await pull(stage.mirror, 'team/image1', second)).toEqual(['200'])
    await until('it is kept', () => isWhole(stage.cache, second))
    await expectClean(stage)
  })
})

describe('a folder that vanishes', () => {
  test('under a running download: the client gets all of it, and the folder is made again', async () => {
    const stage = await start(await prepare({ maxSize: '8MiB' }))
    expect(await pull(stage.mirror, 'team/image0', first)).toEqual(['200'])
    upstream.hold()
    const pulled = pull(stage.mirror, 'team/image1', second)
    await until('layers are on their way', () => upstream.held() >= 3)
    await rm(stage.cache, { recursive: true, maxRetries: 10 })
    upstream.release()
    expect(await pulled).toEqual(['200'])
    expect(await pullAll(stage)).toEqual(['200'])
    await until('it is kept', () => isWhole(stage.cache, images[9]!))
    await expectClean(stage)
  })

  test('with a file in its place: everything is streamed', async () => {
    const stage = await start(await prepare({ maxSize: '8MiB' }))
    expect(await pull(stage.mirror, 'team/image0', first)).toEqual(['200'])
    await until('it is kept', () => isWhole(stage.cache, first))
    await rm(stage.cache, { recursive: true, maxRetries: 10 })
    await writeFile(stage.cache, 'no folder')
    for (let round = 0; round < 2; round += 1) expect(await pullAll(stage)).toEqual(['200'])
    await rm(stage.cache)
    expect(await pullAll(stage)).toEqual(['200'])
    await until('it is kept', () => isWhole(stage.cache, images[9]!))
    await expectClean(stage)
  })
})

test.each(['127.0.0.1', 'localhost'])(
  'too many open files, upstream %s: no wrong byte, no 500, and all is well when the herd has gone',
  async (host) => {
    const url = upstream.url.replace('127.0.0.1', host)
    const stage = await start(await prepare({ maxFiles: 48, maxSize: '8MiB', upstream: url }))
    const answers = new Set<string>()
    // Now and then all of a herd are cut off or served, and none meets an upstream that cannot be asked.
    await until('a herd is too large', async () => {
      const herd = Array.from({ length: 60 }, (_, position) => {
        const number = position % images.length
        return pull(stage.mirror, `team/image${number}`, images[number]!)
      })
      for (const answer of (await Promise.all(herd)).flat()) answers.add(answer)
      return answers.has('503')
    })
    console.log(`answers with 48 files: ${[...answers].join(', ')}`)
    for (const answer of answers) expect(['200', 'cut', '503', '504', '404']).toContain(answer)
    await until('it answers as ever', async () => (await pullAll(stage)).join() === '200', 60_000)
    // What the mirror lacked is not held against the upstream.
    expect(stage.mirror.log()).toContain('this mirror lacks files, ports or memory')
    expect(stage.mirror.log()).not.toContain('an endpoint fails and rests')
    await expectClean(stage)
  },
)

test.each([
  ['ten years ahead', 10],
  ['ten years behind', -10],
])('files of a clock that was %s: the limit holds, and the right bytes come', async (_, years) => {
  const options = await prepare({ maxSize: '5MiB' })
  const before = await start(options)
  for (const number of [0, 1, 2])
    expect(await pull(before.mirror, `team/image${number}`, images[number]!)).toEqual(['200'])
  await until('they are kept', () =>
    [first, second, third].every((one) => isWhole(options.cache, one)),
  )
  await before.mirror.stop()
  const date = new Date(Date.now() + years * 365 * 86_400_000)
  for (const { digest } of [first, second, third].flatMap(({ manifests, blobs }) => [
    ...manifests,
    ...blobs,
  ]))
    await utimes(fileOf(options.cache, digest), date, date)
  await writeFile(join(options.cache, 'evict.lock'), 'somebody~1~1~x')
  await utimes(join(options.cache, 'evict.lock'), date, date)

  const stage = await start(options)
  expect(await pullAll(stage)).toEqual(['200'])
  await until('it is within its limit', async () => (await sizeOf(options.cache)) <= 5 * mib)
  await until('the last image is kept', () => isWhole(options.cache, images[9]!))
  await expectClean(stage)
})

async function sizeOf(cache: string): Promise<number> {
  const entries = await readdir(join(cache, 'blobs'), { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => {
      const found = await stat(join(parentPath, name)).catch(() => undefined)
      return found?.size ?? 0
    })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
