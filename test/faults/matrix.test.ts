import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faults } from './faults.ts'
import { homes } from './home.ts'
import { openHomeWorld } from './home-world.ts'
import { ask, type Outcome } from './outcome.ts'
import type { Pulls } from './pulls.ts'
import { findWrong } from './stored.ts'
import { columns, formatTable, readTable, type Row } from './table.ts'
import { createTurns, eventually } from './turns.ts'
import { type Cell, startWorld, type World } from './world.ts'

const rows = readTable('fault')
const homeRows = readTable('fault of the mirror')
const results: Row[] = []
const preparing = createTurns(3)
/** Clients give up on a mirror that is silent for longer (clients.md, section 0.9). */
const headersWithinSeconds = 15

let world: World

beforeAll(async () => {
  world = await startWorld()
})

afterAll(async () => {
  const inOrder = [...rows, ...homeRows].flatMap(({ name }) =>
    results.filter((row) => row.name === name),
  )
  console.log(`\n${formatTable('fault', inOrder)}\n`)
  await world.stop()
})

test('each fault has its row', () => {
  expect(rows.map(({ name }) => name).toSorted()).toEqual(Object.keys(faults).toSorted())
  expect(homeRows.map(({ name }) => name).toSorted()).toEqual(Object.keys(homes).toSorted())
  expect(rows.length + homeRows.length).toBeGreaterThanOrEqual(40)
})

describe.concurrent('an endpoint has a fault', () => {
  test.for(rows)('$name', async (row) => {
    const { name } = row
    const fault = faults[name]!
    const cells = await preparing(async () => {
      const opened = await world.open(name)
      for (const cell of opened) if (cell.column === 'stale') await cell.keep()
      if (fault.hasToken) await Promise.all(opened.map((cell) => cell.getToken()))
      return opened
    })

    const sites = [...new Set(cells.map(({ site }) => site))]
    await Promise.all(sites.map((site) => site.spoil(fault)))
    hold(row, await Promise.all(cells.map(pull)))
    await Promise.all(sites.map((site) => site.heal()))
    await Promise.all(cells.map(recovers))
  })
})

describe.concurrent('the mirror has a fault', () => {
  test.for(homeRows)('$name', async (row, { onTestFinished }) => {
    const home = await preparing(async () => {
      const opened = await openHomeWorld(world.hub, world.certificates, row.name)
      onTestFinished(() => opened.stop())
      for (const cell of opened.cells) if (cell.column === 'warm') await cell.keep()
      return opened
    })
    const { cells } = home
    await home.spoil()
    const pulls = Promise.all(cells.map(({ wanted }) => ask(wanted)))
    await home.pulled()
    hold(row, await pulls)
    await home.heal()
    await Promise.all(cells.map(recovers))
    if (home.folder !== undefined) expect(await findWrong(home.folder)).toEqual([])
    expect(home.log()).not.toMatch(/a request failed|not handled/)
  })
})

test('nothing wrong has come into the cache', async () => {
  expect(await findWrong(world.cache)).toEqual([])
})

/** Outcomes of the columns, in their order; of fewer where a row has fewer. */
function hold({ name, words, seconds }: Row, outcomes: readonly Outcome[]): void {
  const got = columns.map((column, index) => [column, outcomes[index]?.word ?? ''] as const)
  const took = Math.max(...outcomes.map((outcome) => outcome.seconds))
  results.push({ name, words: Object.fromEntries(got) as Row['words'], seconds: took })
  const isMeant = ([column, word]: (typeof got)[number]): boolean =>
    words[column].split(' or ').includes(word)
  const meant = got.map((one) => (isMeant(one) ? one : [one[0], words[one[0]]]))
  expect(Object.fromEntries(got)).toEqual(Object.fromEntries(meant))
  expect(took).toBeLessThan(seconds)
  for (const { secondsToHeaders } of outcomes)
    expect(secondsToHeaders).toBeLessThan(headersWithinSeconds)
}

/** What a client gets, and whether the fault was in its way. */
async function pull({ wanted, site }: Cell): Promise<Outcome> {
  const outcome = await ask(wanted)
  return outcome.word === '200' && site.met() > 0 ? { ...outcome, word: 'healed' } : outcome
}

/** A refusal is remembered for 10 s. */
const recoversWithinMs = 20_000

async function recovers({ wanted }: Pulls): Promise<void> {
  const good = ['200', 'hit']
  await eventually(
    `${wanted.url} is right again`,
    async () => {
      const { word } = await ask(wanted)
      expect(word).not.toMatch(/WRONG/)
      return good.includes(word)
    },
    recoversWithinMs,
  )
}
