import { getJson } from '../cache/state.ts'
import { type ErrorCode, RegistryError } from '../errors.ts'
import type { KeyValue } from '../ports.ts'
import { UpstreamTrouble } from './trouble.ts'

/** What the upstream said no to is not asked again for this long: containerd asks six times in a row. */
const rememberSeconds = 10
/** A limit may end at any moment, so it only keeps off the same client's immediate repeats. */
const rememberLimitSeconds = 2

interface Refusal {
  readonly code: ErrorCode | 'RATE_LIMITED'
  readonly message: string
  readonly status: number
  readonly retryAfterSeconds?: number | undefined
}

export interface Refusals {
  /** Throws again what was remembered under the key. */
  check(key: string): Promise<void>
  /** Remembers an error that is a refusal; others pass. */
  note(key: string, error: unknown): Promise<void>
}

export function createRefusals(upstream: string, volatile: KeyValue): Refusals {
  return {
    async check(key) {
      const refusal = (await getJson(volatile, key)) as Refusal | undefined
      if (!refusal) return
      const { code, message, status, retryAfterSeconds } = refusal
      if (code !== 'RATE_LIMITED') throw new RegistryError(code, message, { status })
      throw new UpstreamTrouble(upstream, 'rate-limited', message, { retryAfterSeconds })
    },
    async note(key, error) {
      const [refusal, seconds] = toRefusal(error)
      if (refusal) await volatile.set(key, JSON.stringify(refusal), seconds)
    },
  }
}

function toRefusal(error: unknown): [Refusal | undefined, number] {
  if (error instanceof RegistryError) {
    return [{ code: error.code, message: error.message, status: error.status }, rememberSeconds]
  }
  if (error instanceof UpstreamTrouble && error.reason === 'rate-limited') {
    const { message, retryAfterSeconds } = error
    return [{ code: 'RATE_LIMITED', message, status: 429, retryAfterSeconds }, rememberLimitSeconds]
  }
  return [undefined, 0]
}
