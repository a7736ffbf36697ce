import { expect, test } from 'vitest'
import { createMemoryKeyValue } from '@pullway/memory'
import { createHoldings } from '../../../core/src/cache/holdings.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { routeTo, upstreamConfig } from '../support/upstream-config.ts'

const digest = digestOf(makeBytes(1))
const other = digestOf(makeBytes(2))
const here = routeTo('owner/app')

test('a holding is that of one digest in one repository of one upstream', async () => {
  const holdings = createHoldings(createMemoryKeyValue({ clock: createFakeClock() }))
  await holdings.note(here, digest, { kind: 'blob', size: 5 })
  expect(await holdings.find(here, digest)).toEqual({ kind: 'blob', size: 5 })
  for (const [route, asked] of [
    [here, other],
    [routeTo('owner/other'), digest],
    [routeTo('owner'), digest],
    [routeTo('app'), digest],
    [routeTo('owner/app', upstreamConfig({ name: 'ghcr.io' })), digest],
  ] as const)
    expect(await holdings.find(route, asked)).toBeUndefined()
})

test('how the client named the upstream does not matter', async () => {
  const holdings = createHoldings(createMemoryKeyValue({ clock: createFakeClock() }))
  await holdings.note(here, digest, { kind: 'manifest', mediaType: 'application/x' })
  expect(await holdings.find({ ...here, via: 'namespace' }, digest)).toEqual({
    kind: 'manifest',
    mediaType: 'application/x',
  })
})

test('it is kept for a year', async () => {
  const clock = createFakeClock()
  const holdings = createHoldings(createMemoryKeyValue({ clock }))
  await holdings.note(here, digest, { kind: 'blob' })
  await clock.advance(365 * 86_400_000 - 1)
  expect(await holdings.find(here, digest)).toEqual({ kind: 'blob' })
  await clock.advance(1)
  expect(await holdings.find(here, digest)).toBeUndefined()
})
