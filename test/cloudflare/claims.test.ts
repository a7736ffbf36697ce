import { expect, test } from 'vitest'
import type { DurableObjectNamespace } from '../../adapters/cloudflare/src/bindings.ts'
import { Claims, withClaims } from '../../adapters/cloudflare/src/claims.ts'
import { createMemoryKeyValue } from '@pullway/memory'
import { createFakeClock } from '../fakes/clock.ts'

/** Durable Objects by name, with storage that starts empty, and the alarms that they asked for. */
function createNamespace() {
  const objects = new Map<
    string,
    { readonly object: Claims; readonly stored: Map<string, unknown> }
  >()
  const alarms: number[] = []
  const namespace: DurableObjectNamespace = {
    idFromName: (name) => name,
    get(id) {
      const made = objects.get(id as string) ?? make()
      objects.set(id as string, made)
      return { fetch: async (address, request) => made.object.fetch(new Request(address, request)) }
    },
  }
  return { namespace, objects, alarms }

  function make() {
    const stored = new Map<string, unknown>()
    const storage = {
      get: async <Value>(key: string) => stored.get(key) as Value | undefined,
      put: async (key: string, value: unknown) => void stored.set(key, structuredClone(value)),
      setAlarm: async (time: number) => void alarms.push(time),
      deleteAll: async () => stored.clear(),
    }
    return { object: new Claims({ storage }), stored }
  }
}

function make() {
  const objects = createNamespace()
  const memory = createMemoryKeyValue({ clock: createFakeClock() })
  /** Of another isolate, which has nothing in its memory. */
  const other = createMemoryKeyValue({ clock: createFakeClock() })
  const { namespace } = objects
  return {
    ...objects,
    memory,
    store: withClaims(memory, namespace),
    other: withClaims(other, namespace),
  }
}

test('a claim of one isolate is known to all, until it is taken back', async () => {
  const { store, other } = make()
  expect(await other.get('ingesting/sha256:ab')).toBeUndefined()
  await store.set('ingesting/sha256:ab', '1', 300)
  expect(await other.get('ingesting/sha256:ab')).toBe('1')
  expect(await other.get('ingesting/sha256:cd')).toBeUndefined()
  await store.delete('ingesting/sha256:ab')
  expect(await other.get('ingesting/sha256:ab')).toBeUndefined()
})

test('a claim ends by itself, and leaves nothing stored', async () => {
  const { store, objects, alarms } = make()
  const before = Date.now()
  await store.set('ingesting/a', '1', 300)
  expect(alarms[0]).toBeGreaterThanOrEqual(before + 300_000)
  const { object, stored } = objects.get('ingesting/a')!
  expect(stored.size).toBe(1)
  await object.alarm()
  expect(stored.size).toBe(0)
  await store.set('ingesting/b', '1', 0)
  expect(await store.get('ingesting/b')).toBeUndefined()
})

test('everything else stays where it was', async () => {
  const { store, other, memory, objects } = make()
  await store.set('token/a', 'value', 300)
  expect(await store.get('token/a')).toBe('value')
  expect(await memory.get('token/a')).toBe('value')
  expect(await other.get('token/a')).toBeUndefined()
  await store.delete('token/a')
  expect(await memory.get('token/a')).toBeUndefined()
  expect(objects.size).toBe(0)
})

test('an object out of order is an error, which the core forgives', async () => {
  const namespace: DurableObjectNamespace = {
    idFromName: (name) => name,
    get: () => ({ fetch: async () => new Response('overloaded', { status: 503 }) }),
  }
  const store = withClaims(createMemoryKeyValue({ clock: createFakeClock() }), namespace)
  await expect(store.get('ingesting/a')).rejects.toThrow('503')
})
