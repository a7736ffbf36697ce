import { describe, expect, test } from 'vitest'
import { createMemoryKeyValue } from '@pullway/memory'
import { createGrants } from '../../../core/src/access/grants.ts'
import { RegistryError } from '../../../core/src/errors.ts'
import type { Asker } from '../../../core/src/upstream/asker.ts'
import { UpstreamTrouble } from '../../../core/src/upstream/trouble.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { createHasher } from '../support/hashing.ts'

const alice: Asker = { key: 'alice', rights: { kind: 'caller', header: 'Bearer alices-token' } }
const bob: Asker = { key: 'bob', rights: { kind: 'caller', header: 'Bearer bobs-token' } }

interface Asking {
  readonly upstream: string
  readonly repository: string
  readonly error: Error
}

function settle() {
  const clock = createFakeClock()
  const kept = new Map<string, string>()
  const memory = createMemoryKeyValue({ clock })
  const volatile = {
    ...memory,
    set: (key: string, value: string, seconds: number) => {
      kept.set(key, value)
      return memory.set(key, value, seconds)
    },
  }
  const grants = createGrants({ volatile, clock, createHasher })
  let asked = 0
  const check = async (asker: Asker, given: Partial<Asking> = {}): Promise<unknown> => {
    const { upstream = 'registry.test', repository = 'team/app', error } = given
    const ask = (): Promise<void> => {
      asked++
      return error ? Promise.reject(error) : Promise.resolve()
    }
    return grants.check({ asker, upstream, repository }, ask).then(
      () => 'yes',
      (thrown: unknown) => thrown,
    )
  }
  return { clock, grants, kept, check, asked: () => asked }
}

describe('a yes', () => {
  test.each([
    ['another caller', bob, {}],
    ['another repository', alice, { repository: 'team/other' }],
    ['another upstream', alice, { upstream: 'other.test' }],
  ])('is none for %s', async (_, asker, question) => {
    const { check, asked } = settle()
    await check(alice)
    await check(alice)
    expect(asked()).toBe(1)
    const error = new RegistryError('DENIED', 'no')
    expect(await check(asker, { ...question, error })).toBe(error)
  })

  test.each([
    [undefined, 60],
    [30, 30],
    [100, 100],
    [43_200, 300],
  ])('of a token that lives %s s is kept for %i s', async (life, seconds) => {
    const { clock, grants, check, asked } = settle()
    if (life !== undefined) await grants.noteLife(alice, life)
    await check(alice)
    await clock.advance(seconds * 1000 - 1)
    await check(alice)
    expect(asked()).toBe(1)
    await clock.advance(1)
    await check(alice)
    expect(asked()).toBe(2)
  })

  test('of a token that is used late is kept for what is left of it', async () => {
    const { clock, grants, check, asked } = settle()
    await grants.noteLife(alice, 100)
    await clock.advance(90_000)
    await check(alice)
    await clock.advance(10_000)
    await check(alice)
    expect(asked()).toBe(2)
  })

  test('is asked for once by many at the same time', async () => {
    const { check, asked } = settle()
    await Promise.all([check(alice), check(alice), check(alice)])
    expect(asked()).toBe(1)
  })
})

describe('another answer', () => {
  test.each([
    ['UNAUTHORIZED', 5],
    ['DENIED', 5],
    ['MANIFEST_UNKNOWN', 0],
    ['NAME_UNKNOWN', 0],
  ] as const)('%s is kept for %i s', async (code, seconds) => {
    const { clock, check, asked } = settle()
    const error = new RegistryError(code, 'not for you')
    expect(await check(alice, { error })).toBe(error)
    const again = await check(alice)
    expect([again instanceof RegistryError && again.code, asked()]).toEqual(
      seconds === 0 ? [false, 2] : [code, 1],
    )
    await clock.advance(seconds * 1000)
    expect(await check(alice)).toBe('yes')
  })

  test('trouble is no answer', async () => {
    const { check } = settle()
    const error = new UpstreamTrouble('registry.test', 'timeout', 'slow')
    expect(await check(alice, { error })).toBe(error)
    expect(await check(alice)).toBe('yes')
  })
})

test('nothing that is kept holds a token', async () => {
  const { grants, kept, check } = settle()
  await grants.noteLife(alice, 100)
  await check(alice)
  await check(bob, { error: new RegistryError('DENIED', 'no') })
  const all = [...kept].flat().join('\n')
  expect(kept.size).toBe(3)
  for (const part of ['alices-token', 'bobs-token', 'team/app']) expect(all).not.toContain(part)
})
