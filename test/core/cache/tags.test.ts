import { expect, test } from 'vitest'
import type { Clock } from '@pullway/core'
import { createMemoryKeyValue } from '@pullway/memory'
import { createTags } from '../../../core/src/cache/tags.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { routeTo, upstreamConfig } from '../support/upstream-config.ts'

const record = { digest: digestOf(makeBytes(1)), mediaType: 'application/x', size: 5 }
const here = routeTo('owner/app')
const day = 86_400_000

function settle(freshForSeconds = 60, staleForSeconds = 30 * 86_400, isPushEnabled = false) {
  const clock = createFakeClock()
  let shift = 0
  const shifted: Clock = { ...clock, now: () => clock.now() + shift }
  const state = createMemoryKeyValue({ clock })
  const lives = { freshForSeconds, staleForSeconds }
  const tags = createTags(state, shifted, lives, isPushEnabled)
  return { clock, state, tags, setClockBy: (milliseconds: number) => void (shift = milliseconds) }
}

test.each([
  [0, true],
  [59_999, true],
  [60_000, false],
  [30 * day - 1, false],
  [30 * day + 59_999, false],
])('after %i ms it is fresh: %s', async (age, isFresh) => {
  const { clock, tags } = settle()
  await tags.note(here, 'latest', 'any', record)
  await clock.advance(age)
  expect(await tags.find(here, 'latest', 'any')).toMatchObject({ record, isFresh })
})

test('after staleFor it is gone', async () => {
  const { clock, tags } = settle()
  await tags.note(here, 'latest', 'any', record)
  await clock.advance(30 * day + 60_000)
  expect(await tags.find(here, 'latest', 'any')).toBeUndefined()
})

test('a freshFor of nothing makes it stale at once, one longer than staleFor keeps it', async () => {
  const never = settle(0)
  await never.tags.note(here, 'latest', 'any', record)
  expect(await never.tags.find(here, 'latest', 'any')).toMatchObject({ isFresh: false })
  const long = settle(3600, 60)
  await long.tags.note(here, 'latest', 'any', record)
  await long.clock.advance(3_599_000)
  expect(await long.tags.find(here, 'latest', 'any')).toMatchObject({ isFresh: true })
})

test('a clock that was set back makes it stale', async () => {
  const { tags, setClockBy } = settle()
  await tags.note(here, 'latest', 'any', record)
  setClockBy(-1)
  expect(await tags.find(here, 'latest', 'any')).toMatchObject({ record, isFresh: false })
})

test('another tag, repository, upstream or Accept is another matter', async () => {
  const { tags } = settle()
  await tags.note(here, 'latest', 'any', record)
  for (const [route, tag, accept] of [
    [here, 'other', 'any'],
    [here, 'latest', '0+1'],
    [routeTo('owner/other'), 'latest', 'any'],
    [routeTo('owner/app', upstreamConfig({ name: 'ghcr.io' })), 'latest', 'any'],
  ] as const)
    expect(await tags.find(route, tag, accept)).toBeUndefined()
})

test('what is noted anew is fresh anew; what is forgotten is gone', async () => {
  const { clock, tags } = settle()
  await tags.note(here, 'latest', 'any', record)
  await clock.advance(60_000)
  const moved = { ...record, digest: digestOf(makeBytes(2)) }
  await tags.note(here, 'latest', 'any', moved)
  expect(await tags.find(here, 'latest', 'any')).toMatchObject({ record: moved, isFresh: true })
  await tags.forget(here, 'latest', 'any')
  expect(await tags.find(here, 'latest', 'any')).toBeUndefined()
})

test.each(['{', '{}', 'null', '[]', '"x"', '{"digest":"sha256:x","checkedAt":1}', '{"digest":5}'])(
  'a damaged record (%s) is none',
  async (text) => {
    const { state, tags } = settle()
    await tags.note(here, 'latest', 'any', record)
    await state.set('tag/registry.example.com/owner/app:latest#any', text, 60)
    expect(await tags.find(here, 'latest', 'any')).toBeUndefined()
  },
)

test('only the facts are kept', async () => {
  const { state, tags } = settle()
  await tags.note(here, 'latest', 'any', { ...record, content: makeBytes(3) } as typeof record)
  const kept = await state.get('tag/registry.example.com/owner/app:latest#any')
  expect(Object.keys(JSON.parse(kept!) as object).sort()).toEqual([
    'checkedAt',
    'digest',
    'mediaType',
    'size',
  ])
})

const pushedTo = routeTo('owner/app', upstreamConfig({ clientCredentials: 'relay' }))

test.each([
  ['the tag', { type: 'tag', tag: 'latest' }],
  ['its digest', { type: 'digest', digest: record.digest }],
] as const)(
  'what was known of a tag is over when %s is dropped, for every Accept',
  async (_, what) => {
    const { clock, tags } = settle(60, 600, true)
    for (const accept of ['any', '0+1']) await tags.note(pushedTo, 'latest', accept, record)
    await tags.note(pushedTo, 'other', 'any', { ...record, digest: digestOf(makeBytes(2)) })
    await clock.advance(1)
    await tags.drop(pushedTo, what)
    for (const accept of ['any', '0+1'])
      expect(await tags.find(pushedTo, 'latest', accept)).toBeUndefined()
    expect(await tags.find(pushedTo, 'other', 'any')).toBeDefined()
    await clock.advance(1)
    await tags.note(pushedTo, 'latest', 'any', record)
    expect(await tags.find(pushedTo, 'latest', 'any')).toMatchObject({ isFresh: true })
  },
)
