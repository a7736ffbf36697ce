import { RegistryError } from '../errors.ts'
import type { Clock } from '../ports.ts'
import { toClientKey } from './client-key.ts'

/** One comparison of a password, from before it to its result. */
export interface Guess {
  right(): void
  /** Resolves after the pause that a client deserves who has guessed wrong so often. */
  wrong(): Promise<void>
}

export interface Guesses {
  /** Throws when this client has guessed wrong too often. */
  begin(address: string): Guess
  isBlocked(address: string): boolean
}

/** Wrong passwords, of which one is forgiven every half a minute. */
const maxWrong = 10
const forgivenMs = 30_000
const firstPauseMs = 200
const longestPauseMs = 5_000
/** A botnet's addresses must not fill the memory. */
const maxClients = 10_000

interface Tally {
  wrong: number
  at: number
}

/** Slows down who tries passwords: each wrong one costs more time, and ten at a time are all. */
export function createGuesses(clock: Clock): Guesses {
  const records = new Map<string, Tally>()

  return {
    begin(address) {
      const record = current(address)
      if (isFull(address, record)) throw tooMany(record)
      // Counted before it is compared, or guesses at the same time would all be the first.
      record.wrong += 1
      return {
        right: () => void (record.wrong = Math.max(0, record.wrong - 1)),
        wrong: () =>
          clock.sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.ceil(record.wrong - 1))),
      }
    },
    isBlocked: (address) => isFull(address, current(address)),
  }

  function isFull(address: string, { wrong }: Tally): boolean {
    // Where the platform hides addresses, one client must not shut out all others.
    return address !== '-' && wrong > maxWrong - 1
  }

  function current(address: string): Tally {
    const key = toClientKey(undefined, address)
    const now = clock.now()
    const record = records.get(key) ?? { wrong: 0, at: now }
    // A clock that was set back forgives nothing, and adds nothing.
    record.wrong = Math.max(0, record.wrong - Math.max(0, now - record.at) / forgivenMs)
    record.at = now
    // Again at the end: the client that was not heard of for longest is forgotten first.
    records.delete(key)
    const [oldest] = records.keys()
    if (records.size >= maxClients && oldest !== undefined) records.delete(oldest)
    records.set(key, record)
    return record
  }

  function tooMany({ wrong }: Tally): RegistryError {
    const seconds = Math.ceil(((wrong - (maxWrong - 1)) * forgivenMs) / 1000)
    return new RegistryError(
      'TOOMANYREQUESTS',
      'too many wrong passwords from your address: wait a minute, then try again',
      { headers: { 'retry-after': String(Math.max(1, seconds)) } },
    )
  }
}
