import type { KeyValue } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import type { FakeClock } from '../fakes/clock.ts'

export interface KeyValueUnderTest {
  readonly store: KeyValue
  readonly clock: FakeClock
}

export interface KeyValueTraits {
  /** How long an entry may outlive its life time. */
  readonly lateBySeconds?: number
}

/** What every KeyValue does. Made anew for each test. */
export function describeKeyValue(
  name: string,
  make: () => Promise<KeyValueUnderTest>,
  { lateBySeconds = 0 }: KeyValueTraits = {},
): void {
  describe(`${name} as a KeyValue`, () => {
    test('knows no key that never came', async () => {
      const { store } = await make()
      expect(await store.get('absent')).toBeUndefined()
      await store.delete('absent')
      expect(await store.get('absent')).toBeUndefined()
    })

    test('gives the last value that was set', async () => {
      const { store } = await make()
      for (const value of ['first', 'second', '', 'a much longer value than the ones before']) {
        await store.set('key', value, 60)
        expect(await store.get('key')).toBe(value)
      }
    })

    test('forgets what is deleted', async () => {
      const { store } = await make()
      await store.set('key', 'value', 60)
      await store.set('other', 'stays', 60)
      await store.get('key')
      await store.delete('key')
      expect(await store.get('key')).toBeUndefined()
      expect(await store.get('other')).toBe('stays')
    })

    test.each([1, 60, 86_400, 30 * 86_400])('keeps for %d s and no longer', async (seconds) => {
      const { store, clock } = await make()
      await store.set('key', 'value', seconds)
      await clock.advance(seconds * 1000 - 1)
      expect(await store.get('key')).toBe('value')
      await clock.advance(1 + lateBySeconds * 1000)
      expect(await store.get('key')).toBeUndefined()
    })

    test('counts the life time from the last time it was set', async () => {
      const { store, clock } = await make()
      await store.set('key', 'first', 10)
      await clock.advance(9_000)
      await store.set('key', 'second', 10)
      await clock.advance(9_000)
      expect(await store.get('key')).toBe('second')
      await store.set('key', 'third', 1)
      await clock.advance(1_000 + lateBySeconds * 1000)
      expect(await store.get('key')).toBeUndefined()
    })

    test.each([0, -1])('keeps nothing for %d s', async (seconds) => {
      const { store } = await make()
      await store.set('key', 'former', 60)
      await store.set('key', 'value', seconds)
      expect(await store.get('key')).toBeUndefined()
    })

    test('keeps keys apart, whatever they are made of', async () => {
      const { store } = await make()
      for (const key of strangeKeys) await store.set(key, `value of ${key}`, 60)
      for (const key of strangeKeys) expect(await store.get(key)).toBe(`value of ${key}`)
    })

    test.each(strangeValues)('keeps a value of $what', async ({ value }) => {
      const { store } = await make()
      await store.set('key', value, 60)
      expect((await store.get('key')) === value).toBe(true)
    })

    test('one of several values set at once is kept whole', async () => {
      const { store } = await make()
      const values = Array.from({ length: 20 }, (_, index) => String(index).repeat(5000))
      await Promise.all(values.map((value) => store.set('key', value, 60)))
      expect(values).toContain(await store.get('key'))
    })

    test('reads and writes at once never see a part', async () => {
      const { store } = await make()
      const values = ['a', 'b'].map((letter) => letter.repeat(50_000))
      await store.set('key', values[0]!, 60)
      const seen = await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          if (index % 2 === 0) await store.set('key', values[(index / 2) % 2]!, 60)
          return store.get('key')
        }),
      )
      expect(seen.every((value) => value !== undefined && values.includes(value))).toBe(true)
    })
  })
}

const strangeKeys: readonly string[] = [
  '',
  ' ',
  'key',
  'KEY',
  'key ',
  '.',
  '..',
  '../../etc/passwd',
  '/absolute',
  'tag:docker.io/library/nginx:latest',
  'a\0b',
  'a\nb',
  '__proto__',
  'constructor',
  'schlüssel',
  'schlu\u0308ssel',
  '钥匙',
  '😀',
  'x'.repeat(10_000),
  `${'x'.repeat(9_999)}y`,
]

const strangeValues: readonly { readonly what: string; readonly value: string }[] = [
  { what: 'nothing', value: '' },
  { what: 'line ends', value: 'one\r\ntwo\n\n' },
  { what: 'NUL', value: 'a\0b' },
  { what: 'JSON', value: '{"key":"other","value":"{}","expiresAt":0}' },
  { what: 'many scripts', value: 'é ü 值 😀 \u2028 \u202e' },
  { what: '1 MiB', value: '0123456789abcdef'.repeat(65_536) },
]
