import { describe, expect, test } from 'vitest'
import { createKvKeyValue } from '../../adapters/cloudflare/src/kv-key-value.ts'
import { createThriftyKeyValue } from '../../adapters/cloudflare/src/thrifty-key-value.ts'
import { describeKeyValue } from '../contract/key-value.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { createFakeNamespace } from './fakes.ts'

function make() {
  const clock = createFakeClock()
  const namespace = createFakeNamespace(clock)
  const shared = createKvKeyValue({ namespace, clock })
  /** Several: each is one isolate. */
  const isolate = () => createThriftyKeyValue({ shared, clock })
  return { clock, namespace, shared, isolate }
}

describeKeyValue('KV', async () => {
  const { clock, shared } = make()
  return { store: shared, clock }
})

describeKeyValue('memory with KV behind', async () => {
  const { clock, isolate } = make()
  return { store: isolate(), clock }
})

describe('KV behind memory', () => {
  test.each([
    'tag/docker.io/library/a:1#',
    'token/ab',
    'challenge/docker.io/https://a',
    'holds/docker.io/library/a@sha256:ab',
  ])('shares %s with other isolates', async (key) => {
    const { isolate } = make()
    const one = isolate()
    const other = isolate()
    await one.set(key, 'value', 300)
    expect(await other.get(key)).toBe('value')
    await other.delete(key)
    expect(await isolate().get(key)).toBeUndefined()
  })

  test.each(['refused/docker.io/GET/x', 'ingesting/sha256:ab'])(
    'neither writes nor reads %s',
    async (key) => {
      const { isolate, namespace } = make()
      const store = isolate()
      await store.set(key, 'value', 300)
      expect(await store.get(key)).toBe('value')
      expect(await isolate().get(key)).toBeUndefined()
      await store.delete(key)
      expect(namespace.writes).toEqual([])
      expect(namespace.reads).toEqual([])
    },
  )

  test('a tag that is confirmed each minute is written every ten, and is always the newest here', async () => {
    const { clock, isolate, namespace } = make()
    const store = isolate()
    for (let minute = 0; minute < 60; minute += 1) {
      await store.set('tag/a', `checked in minute ${minute}`, 86_400)
      expect(await store.get('tag/a')).toBe(`checked in minute ${minute}`)
      await clock.advance(60_000)
    }
    expect(namespace.writes).toHaveLength(6)
    expect(await isolate().get('tag/a')).toBe('checked in minute 50')
  })

  test('a deleted entry is written again at once', async () => {
    const { isolate } = make()
    const store = isolate()
    await store.set('token/a', 'revoked', 300)
    await store.delete('token/a')
    await store.set('token/a', 'new', 300)
    expect(await isolate().get('token/a')).toBe('new')
  })

  test('what ends sooner than KV can forget stays here', async () => {
    const { isolate, namespace } = make()
    await isolate().set('token/a', 'short', 59)
    expect(namespace.writes).toEqual([])
  })

  test('reads many times, asks KV once in a while', async () => {
    const { clock, isolate, namespace } = make()
    await isolate().set('tag/a', 'value', 86_400)
    const other = isolate()
    for (let time = 0; time < 100; time += 1) expect(await other.get('tag/a')).toBe('value')
    expect(namespace.reads).toHaveLength(1)
    await clock.advance(30_000)
    await other.get('tag/a')
    expect(namespace.reads).toHaveLength(2)
  })

  test('what a repository holds is one write for each new image, and none for a known one', async () => {
    const { isolate, namespace } = make()
    const note = (store: ReturnType<typeof isolate>, image: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: 30 }, (_, layer) =>
          store.set(
            `holds/docker.io/library/a@sha256:${image}-${layer}`,
            `{"size":${layer}}`,
            3600,
          ),
        ),
      )
    await note(isolate(), 1)
    const other = isolate()
    await note(other, 2)
    await note(other, 1)
    expect(namespace.writes).toHaveLength(2)
    const third = isolate()
    for (const image of [1, 2]) {
      expect(await third.get(`holds/docker.io/library/a@sha256:${image}-29`)).toBe('{"size":29}')
    }
    expect(await third.get('holds/docker.io/library/b@sha256:1-29')).toBeUndefined()
    expect(await third.get('holds/docker.io/library/a@sha256:3-0')).toBeUndefined()
  })

  test('of what a repository holds the newest is kept', async () => {
    const { isolate } = make()
    const store = isolate()
    const keyOf = (layer: number): string => `holds/docker.io/library/a@sha256:${layer}x`
    for (let layer = 0; layer < 501; layer += 1) await store.set(keyOf(layer), 'value', 3600)
    const other = isolate()
    expect(await other.get(keyOf(0))).toBeUndefined()
    expect(await other.get(keyOf(1))).toBe('value')
    expect(await other.get(keyOf(500))).toBe('value')
  })

  test('that writes too often for KV costs nothing', async () => {
    const { isolate, namespace } = make()
    const store = isolate()
    namespace.fail(new Error('KV PUT failed: 429 Too Many Requests'))
    await store.set('tag/a', 'value', 300)
    expect(await store.get('tag/a')).toBe('value')
  })

  test('any other failure is told, and the entry kept', async () => {
    const { isolate, namespace } = make()
    const store = isolate()
    namespace.fail(new Error('KV PUT failed: 500 Internal Server Error'))
    await expect(store.set('tag/a', 'value', 300)).rejects.toThrow('500')
    expect(await store.get('tag/a')).toBe('value')
  })
})
