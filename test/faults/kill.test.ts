import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../clients/folder.ts'
import { until } from '../clients/process.ts'
import { createRandom } from '../fakes/random.ts'
import { buildImage, buildMultiArch } from '../fakes/registry/index.ts'
import { type FaultMirrorOptions, pull, runCache, startFaultMirror } from './mirror.ts'
import { type SlowRegistry, startSlowRegistry } from './slow-registry.ts'

/** How many processes die: `KILLS=1000 npm run test:faults -- kill`. */
const kills = Number(process.env['KILLS'] ?? 200)
const seed = Number(process.env['SEED'] ?? 1)
/** As long as some fills take, from their first byte to the last. */
const latestMs = 100
/** Each has one process that lives, and one that waits for its end. */
const lanes = 2

const images = Array.from({ length: 12 }, (_, number) =>
  number % 4 === 0
    ? buildMultiArch({ seed: 100 + number, layerBytes: 250_000 })
    : buildImage({ seed: 100 + number, layers: 3, layerBytes: 500_000 }),
)

test(
  `${kills} kills during fills: nothing partial is kept or served`,
  { timeout: 20_000 + kills * 5_000 },
  async () => {
    const folder = await makeFolder('kill')
    onTestFinished(() => folder.remove())
    const cache = join(folder.path, 'cache')
    const random = createRandom(seed)
    const answers = new Map<string, number>()
    let killed = 0
    let inFill = 0

    const startUpstream = async (): Promise<SlowRegistry & { options: FaultMirrorOptions }> => {
      const upstream = await startSlowRegistry(5)
      onTestFinished(() => upstream.stop())
      images.forEach((image, number) => upstream.push(`team/image${number}`, 'latest', image))
      // So little that there is always something to evict, too.
      const options = { folder: folder.path, cache, upstream: upstream.url, maxSize: '10MiB' }
      return { ...upstream, options }
    }

    /** Processes on the folder, one after the other: the next is up when one dies, and takes over then. */
    const liveAndDie = async (count: number): Promise<void> => {
      // Of its own, to tell what is on its way to the one process that is about to die.
      const upstream = await startUpstream()
      const { options } = upstream
      let next = startFaultMirror(options)
      for (let left = count; left > 0; left -= 1) {
        const mirror = await next
        if (left > 1) next = startFaultMirror(options)
        const wanted = Array.from({ length: 3 }, () => Math.floor(random() * images.length))
        const fill = upstream.asked()
        const pulls = wanted.map((number) => pull(mirror, `team/image${number}`, images[number]!))
        await Promise.race([fill, Promise.all(pulls)])
        await pause(random() * latestMs)
        if (upstream.sending() > 0) inFill += 1
        mirror.signal('SIGKILL')
        killed += 1
        expect(await mirror.exited).toBeNull()
        for (const answer of (await Promise.all(pulls)).flat())
          answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
    }
    const counts = Array.from({ length: lanes }, (_, lane) => Math.floor((kills + lane) / lanes))
    await Promise.all(counts.map(liveAndDie))

    console.log(
      `${killed} kills, ${inFill} in a fill; answers: ${JSON.stringify(Object.fromEntries(answers))}`,
    )
    expect([...answers.keys()].sort()).toEqual(['200', 'cut'])
    // Who dies between two fills shows nothing.
    expect(inFill).toBeGreaterThanOrEqual(killed / 3)

    const { options } = await startUpstream()
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
