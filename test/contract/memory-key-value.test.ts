import type { KeyValue } from '@pullway/core'
import { createMemoryKeyValue, withMemoryKeyValue } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { createFakeClock } from '../fakes/clock.ts'

describe('the KeyValue in memory', () => {
  test('lets the least recently used entry go when it is full', async () => {
    const store = createMemoryKeyValue({ clock: createFakeClock(), maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) await store.set(key, key, 60)
    await store.get('a')
    await store.set('d', 'd', 60)
    expect(await store.get('b')).toBeUndefined()
    for (const key of ['a', 'c', 'd']) expect(await store.get(key)).toBe(key)
  })

  test('holds no more characters than it may', async () => {
    const store = createMemoryKeyValue({ clock: createFakeClock(), maxCharacters: 100 })
    await store.set('a', 'x'.repeat(60), 60)
    await store.set('b', 'x'.repeat(60), 60)
    expect(await store.get('a')).toBeUndefined()
    expect(await store.get('b')).toHaveLength(60)
    await store.set('b', 'x'.repeat(101), 60)
    expect(await store.get('b')).toBeUndefined()
  })
})

describe('memory in front of a slower KeyValue', () => {
  const rememberSeconds = 5

  function make(inner?: Partial<KeyValue>) {
    const clock = createFakeClock()
    const memory = createMemoryKeyValue({ clock })
    const reads: string[] = []
    const slower: KeyValue = {
      ...memory,
      get: (key) => {
        reads.push(key)
        return memory.get(key)
      },
      ...inner,
    }
    const store = withMemoryKeyValue(slower, { clock, rememberSeconds })
    return { clock, store, elsewhere: memory, reads }
  }

  test('reads an entry once in that time', async () => {
    const { store, elsewhere, reads, clock } = make()
    await elsewhere.set('key', 'value', 60)
    for (let time = 0; time < 3; time += 1) expect(await store.get('key')).toBe('value')
    expect(reads).toEqual(['key'])
    await clock.advance(rememberSeconds * 1000)
    expect(await store.get('key')).toBe('value')
    expect(reads).toEqual(['key', 'key'])
  })

  test('asks each time for what is absent', async () => {
    const { store, elsewhere } = make()
    expect(await store.get('key')).toBeUndefined()
    await elsewhere.set('key', 'value', 60)
    expect(await store.get('key')).toBe('value')
  })

  test("sees another process's write after that time, and its own at once", async () => {
    const { store, elsewhere, clock } = make()
    await store.set('key', 'ours', 60)
    await elsewhere.set('key', 'theirs', 60)
    expect(await store.get('key')).toBe('ours')
    await clock.advance(rememberSeconds * 1000)
    expect(await store.get('key')).toBe('theirs')
    await store.set('key', 'ours again', 60)
    expect(await store.get('key')).toBe('ours again')
    expect(await elsewhere.get('key')).toBe('ours again')
    await store.delete('key')
    expect(await elsewhere.get('key')).toBeUndefined()
  })

  test('keeps for a while what the slower store refuses', async () => {
    const { store, clock } = make({ set: () => Promise.reject(new Error('disk full')) })
    await expect(store.set('key', 'value', 60)).rejects.toThrow('disk full')
    expect(await store.get('key')).toBe('value')
    await clock.advance(rememberSeconds * 1000)
    expect(await store.get('key')).toBeUndefined()
  })

  test.each(['set', 'delete'] as const)(
    'a %s wins over a read that began before',
    async (change) => {
      let answer: (value: string) => void = () => undefined
      const gate = new Promise<string>((resolve) => (answer = resolve))
      let isSlow = true
      const { store, elsewhere } = make({ get: (key) => (isSlow ? gate : elsewhere.get(key)) })
      const reading = store.get('key')
      await Promise.resolve()
      await (change === 'set' ? store.set('key', 'new', 60) : store.delete('key'))
      answer('old')
      expect(await reading).toBe('old')
      isSlow = false
      expect(await store.get('key')).toBe(change === 'set' ? 'new' : undefined)
    },
  )
})
