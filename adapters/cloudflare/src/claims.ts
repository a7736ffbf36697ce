import type { KeyValue } from '@pullway/core'
import type { DurableObjectNamespace, DurableObjectState } from './bindings.ts'

/**
 * A Durable Object for each key: one place in the world where it is known, at once, that an isolate has begun
 * to store a blob. KV would tell a minute later, R2 when it is over.
 */
export class Claims {
  readonly #storage: DurableObjectState['storage']

  constructor({ storage }: DurableObjectState) {
    this.#storage = storage
  }

  async fetch(request: Request): Promise<Response> {
    if (request.method === 'GET') return this.#read()
    if (request.method === 'DELETE') {
      await this.#storage.deleteAll()
      return new Response(null, { status: 204 })
    }
    const endsAt = Date.now() + Number(request.headers.get('x-ttl-seconds')) * 1000
    await this.#storage.put('claim', { value: await request.text(), endsAt })
    await this.#storage.setAlarm(endsAt)
    return new Response(null, { status: 204 })
  }

  /** What has ended leaves nothing behind. */
  async alarm(): Promise<void> {
    await this.#storage.deleteAll()
  }

  async #read(): Promise<Response> {
    const claim = await this.#storage.get<Claim>('claim')
    return claim && Date.now() < claim.endsAt
      ? new Response(claim.value)
      : new Response(null, { status: 404 })
  }
}

interface Claim {
  readonly value: string
  readonly endsAt: number
}

/** The keys that are worth a request to another data centre: the core's mark of a blob that is being stored. */
const claimKeys = 'ingesting/'

const address = 'https://claims.invalid/'

/** `inner` for everything but claims. */
export function withClaims(inner: KeyValue, namespace: DurableObjectNamespace): KeyValue {
  const ask = async (key: string, request?: RequestInit): Promise<Response> => {
    const response = await namespace.get(namespace.idFromName(key)).fetch(address, request)
    if (response.ok || response.status === 404) return response
    throw new Error(`the Durable Object of claims answered ${response.status}`)
  }
  const isClaim = (key: string): boolean => key.startsWith(claimKeys)

  return {
    async get(key) {
      if (!isClaim(key)) return inner.get(key)
      const response = await ask(key)
      const text = await response.text()
      return response.ok ? text : undefined
    },

    async set(key, value, ttlSeconds) {
      if (!isClaim(key)) return inner.set(key, value, ttlSeconds)
      const headers = { 'x-ttl-seconds': String(ttlSeconds) }
      await ask(key, { method: 'PUT', body: value, headers })
    },

    async delete(key) {
      if (!isClaim(key)) return inner.delete(key)
      await ask(key, { method: 'DELETE' })
    },
  }
}
