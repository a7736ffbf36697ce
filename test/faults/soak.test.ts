import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../clients/folder.ts'
import { makeImage } from '../clients/upstream/images.ts'
import { startUpstream } from '../clients/upstream/upstream.ts'
import { createRandom } from '../fakes/random.ts'
import { makeCertificates } from './entrance.ts'
import { faults } from './faults.ts'
import { type Figures, medianOf, readFigures } from './process-figures.ts'
import { startFaultServer } from './server.ts'
import { openSite, type Site } from './site.ts'
import { createTally, pullImage } from './soak-client.ts'
import { findWrong } from './stored.ts'

/** `SOAK=600 npm run test:faults -- soak` for ten minutes. */
const seconds = Number(process.env['SOAK'] ?? (process.env['CI'] === undefined ? 180 : 25))
const seed = Number(process.env['SEED'] ?? Date.now() % 100_000)
const clients = 8
/** An endpoint that failed rests, so there are several pairs of them. */
const upstreams = 6
/** Refusals are answers, which nobody doubts; all else that can happen to an endpoint, does. */
const refusals = /^(400|401.*|403|404|405|410|416|418|realm 401)$/
const elsewhere = Object.entries(faults).filter(
  ([name, { isSecure = false, isNameless = false }]) =>
    !refusals.test(name) && !isSecure && !isNameless,
)
/** In a row at one endpoint. */
const longestFaultMs = 2_000

test(
  `${seconds} s of faults at random, with seed ${seed}`,
  { timeout: (seconds + 120) * 1000 },
  async () => {
    const random = createRandom(seed)
    const folder = await makeFolder('soak')
    onTestFinished(() => folder.remove())
    const hub = await startUpstream()
    onTestFinished(() => hub.stop())
    const certificates = await makeCertificates(folder.path)
    const pairs: (readonly Site[])[] = []
    for (let number = 0; number < upstreams; number += 1)
      pairs.push([await openSite(hub, certificates), await openSite(hub, certificates)])
    onTestFinished(async () => {
      await Promise.all(pairs.flat().map((site) => site.stop()))
    })
    // Larger than what is kept in memory, too.
    const images = Array.from({ length: 12 }, (_, number) =>
      makeImage(`library/soak:${number}`, number % 4 === 0 ? [4_000_000] : [1_200_000, 60_000]),
    )
    await hub.seed(...images)
    const cache = join(folder.path, 'cache')
    const server = await startFaultServer({
      folder: folder.path,
      config: {
        upstreams: Object.fromEntries(
          pairs.map((sites, number) => [
            nameOf(number),
            { endpoints: sites.map(({ url }) => ({ url })), trustedHosts: ['127.0.0.1'] },
          ]),
        ) as object,
        timeouts: { connect: '2s', firstByte: '2s', idle: '1500ms', answer: '6s' },
        cache: { blobs: { path: cache }, tags: { freshFor: '1s' } },
      },
    })
    onTestFinished(() => server.stop())

    const tally = createTally()
    const end = performance.now() + seconds * 1000
    const isOver = (): boolean => performance.now() > end
    const figures: Figures[] = []
    const pulling = async (): Promise<void> => {
      while (!isOver()) {
        const number = Math.floor(random() * images.length)
        const base = `${server.url}/v2/${nameOf(number % upstreams)}`
        await pullImage(base, images[number]!, random, tally)
      }
    }
    const watching = async (): Promise<void> => {
      while (!isOver()) {
        figures.push(await readFigures(server.pid))
        await pause(500)
      }
    }
    const [counts] = await Promise.all([
      Promise.all(pairs.map((sites) => spoiling(sites, random, isOver))),
      forgetting(cache, random, isOver),
      watching(),
      ...Array.from({ length: clients }, pulling),
    ])

    const spoilt = counts.reduce((sum, count) => sum + count.spoilt, 0)
    const met = counts.reduce((sum, count) => sum + count.met, 0)
    const rss = figures.map(({ rssMib }) => rssMib)
    const files = figures.map(({ openFiles }) => openFiles)
    const early = { rss: medianOf(rss, 0.25, 0.5), files: medianOf(files, 0.25, 0.5) }
    const late = { rss: medianOf(rss, 0.75, 1), files: medianOf(files, 0.75, 1) }
    const answers = [...tally.answers].map(([answer, count]) => `${answer}: ${count}`).sort()
    console.log(
      [
        `seed ${seed}, ${seconds} s, ${spoilt} faults, in ${met} exchanges`,
        `${tally.pulls} pulls, ${(tally.bytes / 1e6).toFixed(0)} MB (${answers.join(', ')})`,
        `${tally.wrong.length} wrong, ${tally.lost.length} lost, ${tally.wrongParts} parts wrong`,
        `RSS ${early.rss.toFixed(0)} MiB, then ${late.rss.toFixed(0)} MiB (most ${Math.max(...rss).toFixed(0)})`,
        `${early.files} open files, then ${late.files} (most ${Math.max(...files)})`,
      ].join('\n'),
    )
    expect(tally.wrong).toEqual([])
    expect(tally.lost).toEqual([])
    expect(tally.pulls).toBeGreaterThan(seconds)
    expect(met).toBeGreaterThan(seconds)
    // No trend: what differs is what is under way.
    expect(late.rss).toBeLessThan(early.rss * 1.25 + 20)
    expect(late.files).toBeLessThan(early.files + 40)
    expect(Math.max(...rss)).toBeLessThan(256)
    expect(await findWrong(cache)).toEqual([])
    expect(server.log()).not.toMatch(/a request failed|not handled/)
  },
)

/** One endpoint at a time has a fault: there is always one that has the bytes. */
async function spoiling(
  sites: readonly Site[],
  random: () => number,
  isOver: () => boolean,
): Promise<{ readonly spoilt: number; readonly met: number }> {
  let spoilt = 0
  let met = 0
  while (!isOver()) {
    const site = pick(sites, random)
    await site.spoil(pick(elsewhere, random)[1])
    spoilt += 1
    await pause(200 + random() * longestFaultMs)
    met += site.met()
    await site.heal()
    await pause(random() * 300)
  }
  return { spoilt, met }
}

/** Takes files away under the server, so that there is always something to fetch. */
async function forgetting(
  cache: string,
  random: () => number,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await pause(300)
    const entries = await readdir(join(cache, 'blobs'), {
      recursive: true,
      withFileTypes: true,
    }).catch(() => [])
    const files = entries.filter((entry) => entry.isFile() && random() < 0.3)
    await Promise.all(files.map(({ parentPath, name }) => rm(join(parentPath, name))))
  }
}

function nameOf(number: number): string {
  return `soak${number}.test`
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)]!
}
