import type { Clock, CreateHasher, KeyValue } from '../ports.ts'
import { hashText } from './users.ts'

/** A secret by which tokens are signed, and the name by which they tell it. */
export interface SigningKey {
  readonly id: string
  readonly secret: Uint8Array<ArrayBuffer>
}

export interface SigningKeys {
  current(): Promise<SigningKey>
  /** Another instance's, too, where instances share what is volatile. */
  find(id: string): Promise<SigningKey | undefined>
}

export interface SigningKeysOptions {
  /** The operator's own; undefined: one is made, and a new one twice a day. */
  readonly configured: string | undefined
  readonly volatile: KeyValue
  readonly clock: Clock
  readonly createHasher: CreateHasher
}

const renewMs = 12 * 3600 * 1000
/** Outlives every token that was signed with it. */
const keptSeconds = 24 * 3600

export function createSigningKeys(options: SigningKeysOptions): SigningKeys {
  const { configured, createHasher } = options
  if (configured === undefined) return createOwnKeys(options)
  const key: SigningKey = {
    id: hashText(createHasher, 'token key', configured).slice(0, 32),
    secret: new TextEncoder().encode(configured),
  }
  return {
    current: () => Promise.resolve(key),
    find: (id) => Promise.resolve(id === key.id ? key : undefined),
  }
}

/** Each instance signs with its own, so that none has to wait for another's. */
function createOwnKeys({ volatile, clock }: SigningKeysOptions): SigningKeys {
  let own: { readonly key: SigningKey; readonly madeAt: number } | undefined
  let former: SigningKey | undefined

  return {
    async current() {
      if (own && clock.now() - own.madeAt < renewMs) return own.key
      former = own?.key
      const key = { id: toHex(random(16)), secret: random(32) }
      own = { key, madeAt: clock.now() }
      await volatile.set(`token-key/${key.id}`, toHex(key.secret), keptSeconds)
      return key
    },
    async find(id) {
      const known = [own?.key, former].find((key) => key?.id === id)
      if (known || !/^[a-f0-9]{32}$/.test(id)) return known
      const secret = await volatile.get(`token-key/${id}`)
      return secret === undefined ? undefined : { id, secret: fromHex(secret) }
    },
  }
}

export function random(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
