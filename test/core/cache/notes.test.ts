import { createMemoryKeyValue } from '@pullway/memory'
import { expect, test } from 'vitest'
import { createHoldings, parseNotedHolding } from '../../../core/src/cache/holdings.ts'
import { createTags, parseNotedTag } from '../../../core/src/cache/tags.ts'
import type { Digest, KeyValue } from '../../../core/src/ports.ts'
import type { Route } from '../../../core/src/route.ts'
import { createFakeClock } from '../../fakes/clock.ts'

const digest: Digest = `sha256:${'a'.repeat(64)}`

/** What a mirror notes, as it is stored. */
async function record(note: (state: KeyValue) => Promise<void>): Promise<[string, string]> {
  const noted: [string, string][] = []
  const clock = createFakeClock()
  await note({
    ...createMemoryKeyValue({ clock }),
    set: async (key, value) => void noted.push([key, value]),
  })
  return noted[0]!
}

const names = [
  ['docker.io', 'library/alpine'],
  ['registry.example.com:5000', 'a/b.c/d__e'],
] as const

test.each(names)('a tag of %s/%s is read as it was noted', async (upstream, repository) => {
  const route = { upstream: { name: upstream }, repository } as Route
  const days = { freshForSeconds: 1, staleForSeconds: 1 }
  const [key, value] = await record((state) =>
    createTags(state, createFakeClock(), days, false).note(route, 'v1.0_x', 'a,b', {
      digest,
      mediaType: 'x/y',
      size: 1,
    }),
  )
  expect(parseNotedTag(key, value)).toEqual({ upstream, repository, tag: 'v1.0_x', digest })
  expect(parseNotedHolding(key, value)).toBeUndefined()
})

test.each(names)('a holding of %s/%s is read as it was noted', async (upstream, repository) => {
  const route = { upstream: { name: upstream }, repository } as Route
  for (const kind of ['manifest', 'blob'] as const) {
    const [key, value] = await record((state) =>
      createHoldings(state).note(route, digest, { kind }),
    )
    expect(parseNotedHolding(key, value)).toEqual({ upstream, repository, digest, kind })
    expect(parseNotedTag(key, value)).toBeUndefined()
  }
})

test.each([
  ['tag/docker.io/a:b#', '{}'],
  ['tag/docker.io/a:b#', 'no JSON'],
  ['tag/docker.io/a:b#', '{"digest":"../../etc/passwd"}'],
  ['tag/docker.io/a:b#', '{"digest":7}'],
  ['tag/docker.io/a#', `{"digest":"${digest}"}`],
  ['tag/', `{"digest":"${digest}"}`],
  ['holds/docker.io/a@../../etc/passwd', '{}'],
  ['holds/docker.io/a@', '{}'],
  ['holds/@', '{}'],
  ['challenge/docker.io/https://x', '{}'],
  ['', ''],
])('%j with %j is nobody’s', (key, value) => {
  expect(parseNotedTag(key, value)).toBeUndefined()
  expect(parseNotedHolding(key, value)).toBeUndefined()
})
