import { getJson } from '../cache/state.ts'
import { createSingleFlight } from '../cache/single-flight.ts'
import { type ErrorCode, RegistryError } from '../errors.ts'
import type { Clock, CreateHasher, KeyValue } from '../ports.ts'
import type { Asker } from '../upstream/asker.ts'
import { hashOf } from './callers.ts'

/** What upstreams said of their callers, for no longer than a token lives. */
export interface Grants {
  /**
   * Resolves when the upstream has said yes to this caller for this repository, lately or now; `ask` puts the
   * question, and throws where the answer is anything else.
   */
  check(question: GrantQuestion, ask: () => Promise<void>): Promise<void>
  /** How long a token is good, from the one who gave it. */
  noteLife(asker: Asker, seconds: number): Promise<void>
}

export interface GrantQuestion {
  readonly asker: Asker
  readonly upstream: string
  readonly repository: string
}

export interface GrantsOptions {
  /** Holds hashes and answers, never a token. */
  readonly volatile: KeyValue
  readonly clock: Clock
  readonly createHasher: CreateHasher
}

/** Also of a token that lives for hours: so soon a right that was taken away is gone here, too. */
const longestYesSeconds = 300
/** Of a token that this mirror has not seen given: distribution's default for one that says nothing. */
const unknownLifeSeconds = 60
const refusalSeconds = 5

export function createGrants({ volatile, clock, createHasher }: GrantsOptions): Grants {
  const flights = createSingleFlight<undefined>()

  return {
    async check({ asker, upstream, repository }, ask) {
      const key = `granted/${hashOf(createHasher, [asker.key, upstream, repository])}`
      const known = (await getJson(volatile, key)) as Known | undefined
      if (known?.refusal) throw toError(known.refusal)
      if (known) return
      await flights.run(key, async () => {
        await ask().catch(async (error: unknown) => {
          const refusal = toRefusal(error)
          if (refusal) await volatile.set(key, JSON.stringify({ refusal }), refusalSeconds)
          throw error
        })
        const seconds = await lifeLeft(asker)
        if (seconds > 0) await volatile.set(key, '{}', Math.min(seconds, longestYesSeconds))
        return undefined
      })
    },
    async noteLife(asker, seconds) {
      await volatile.set(lifeKeyOf(asker), String(clock.now() + seconds * 1000), seconds)
    },
  }

  async function lifeLeft(asker: Asker): Promise<number> {
    const until = await volatile.get(lifeKeyOf(asker))
    return until === undefined
      ? unknownLifeSeconds
      : Math.floor((Number(until) - clock.now()) / 1000)
  }
}

interface Known {
  readonly refusal?: Refusal
}

interface Refusal {
  readonly code: ErrorCode
  readonly message: string
}

function lifeKeyOf({ key }: Asker): string {
  return `token-life/${key}`
}

/** That something is not there may change with the caller's own next push. */
function toRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof RegistryError)) return undefined
  const { code, message } = error
  return code === 'UNAUTHORIZED' || code === 'DENIED' ? { code, message } : undefined
}

function toError({ code, message }: Refusal): RegistryError {
  return new RegistryError(code, message)
}
