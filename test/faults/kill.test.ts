import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../clients/folder.ts'
import { until } from '../clients/process.ts'
import { createRandom } from '../fakes/random.ts'
import { buildImage, buildMultiArch } from '../fakes/registry/index.ts'
import { pull, runCache, startFaultMirror } from './mirror.ts'
import { startSlowRegistry } from './slow-registry.ts'

/** How many processes die, fewer where all suites run in a row: `KILLS=20 npm run test:faults -- kill`. */
const kills = Number(process.env['KILLS'] ?? (process.env['CI'] === undefined ? 200 : 60))
const seed = Number(process.env['SEED'] ?? 1)
/** As long as some pulls take, from their first byte to the last. */
const latestMs = 400

const images = Array.from({ length: 12 }, (_, number) =>
  number % 4 === 0
    ? buildMultiArch({ seed: 100 + number, layerBytes: 250_000 })
    : buildImage({ seed: 100 + number, layers: 3, layerBytes: 500_000 }),
)

test(
  `${kills} kills during fills: nothing partial is kept or served`,
  { timeout: 20_000 + kills * 5_000 },
  async () => {
    const random = createRandom(seed)
    const folder = await makeFolder('kill')
    onTestFinished(() => folder.remove())
    const upstream = await startSlowRegistry(5)
    onTestFinished(() => upstream.stop())
    images.forEach((image, number) => upstream.push(`team/image${number}`, 'latest', image))
    const cache = join(folder.path, 'cache')
    // So little that there is always something to evict, too.
    const options = { folder: folder.path, cache, upstream: upstream.url, maxSize: '10MiB' }
    const answers = new Map<string, number>()
    let killed = 0

    /** One of two processes on the folder, and the one that follows it when it is dead. */
    const liveAndDie = async (): Promise<void> => {
      while (killed < kills) {
        killed += 1
        const mirror = await startFaultMirror(options)
        const wanted = Array.from({ length: 3 }, () => Math.floor(random() * images.length))
        const pulls = wanted.map((number) => pull(mirror, `team/image${number}`, images[number]!))
        await pause(random() * latestMs)
        mirror.signal('SIGKILL')
        await mirror.exited
        for (const answer of (await Promise.all(pulls)).flat())
          answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
    }
    await Promise.all([liveAndDie(), liveAndDie()])

    console.log(`${killed} kills; answers: ${JSON.stringify(Object.fromEntries(answers))}`)
    expect([...answers.keys()].sort()).toEqual(['200', 'cut'])

    const mirror = await startFaultMirror(options)
    onTestFinished(() => mirror.stop())
    const left = async (): Promise<readonly string[]> => readdir(join(cache, 'ingest'))
    await until('what the dead have left is gone', async () => (await left()).length === 0)
    const verified = await runCache(options, 'verify', '--no-heal')
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    expect(verified.stdout).toMatch(/^checked [1-9]\d* files, .*: all are right\n$/)
    for (const [number, image] of images.entries())
      expect(await pull(mirror, `team/image${number}`, image)).toEqual(['200'])
    expect((await runCache(options, 'verify', '--no-heal')).code).toBe(0)
    expect(mirror.log()).not.toMatch(/a request failed|the cache fails/)
  },
)
