import { createSingleFlight } from '../cache/single-flight.ts'
import { getJson } from '../cache/state.ts'
import type { UpstreamConfig } from '../config/config.ts'
import { isDenied, isUnknown, RegistryError } from '../errors.ts'
import type { Clock, KeyValue } from '../ports.ts'
import { UpstreamTrouble } from '../upstream/trouble.ts'

/** Which repositories only the operator's own credentials open. */
export interface PrivateRepositories {
  /**
   * Throws where a repository is private, or may be. `ask` puts the client's own question without credentials; it
   * throws what the upstream says. `askAsOperator` puts it with them.
   */
  refuse(
    upstream: UpstreamConfig,
    repository: string,
    ask: () => Promise<void>,
    askAsOperator: () => Promise<void>,
  ): Promise<void>
}

const publicForMs = 6 * 3600_000
const privateForMs = 3600_000
/** What was public when it was asked last counts for so long while the upstream cannot be asked. */
const keepSeconds = 7 * 24 * 3600

/** `keepsDeleted`: what is gone upstream is to stay, as far as it was everybody's. */
export function createPrivateRepositories(
  state: KeyValue,
  clock: Clock,
  keepsDeleted: boolean,
): PrivateRepositories {
  const flights = createSingleFlight<boolean>()

  return {
    async refuse(upstream, repository, ask, askAsOperator) {
      const key = `private/${upstream.name}/${repository}`
      if (await isPrivate(key, ask, askAsOperator)) throw denied(upstream.name, repository)
    },
  }

  async function isPrivate(key: string, ask: Ask, askAsOperator: Ask): Promise<boolean> {
    const known = (await getJson(state, key)) as Known | undefined
    if (known && isFresh(known)) return known.isPrivate
    return flights.run(key, async () => {
      try {
        const found = (await isRefused(ask)) && !(await isGone(known, askAsOperator))
        await note(key, found)
        return found
      } catch (error) {
        if (known && error instanceof UpstreamTrouble) return known.isPrivate
        // What became of a tag is the cache's to tell.
        if (known?.isPrivate === false && isUnknown(error)) return false
        throw error
      }
    })
  }

  /** Docker Hub denies what does not exist; what the account sees, and the public does not any more, is private. */
  async function isGone(known: Known | undefined, askAsOperator: Ask): Promise<boolean> {
    if (!keepsDeleted || known?.isPrivate !== false) return false
    return isRefused(askAsOperator, isUnknown)
  }

  function isFresh({ isPrivate: wasPrivate, checkedAt }: Known): boolean {
    const ageMs = clock.now() - checkedAt
    return ageMs >= 0 && ageMs < (wasPrivate ? privateForMs : publicForMs)
  }

  function note(key: string, found: boolean): Promise<void> {
    const known: Known = { isPrivate: found, checkedAt: clock.now() }
    return state.set(key, JSON.stringify(known), keepSeconds)
  }
}

type Ask = () => Promise<void>

interface Known {
  readonly isPrivate: boolean
  readonly checkedAt: number
}

/** Trouble, and that there is no such thing, say nothing of the repository: they are the client's answer. */
async function isRefused(
  ask: Ask,
  alsoIf: (error: unknown) => boolean = () => false,
): Promise<boolean> {
  try {
    await ask()
    return false
  } catch (error) {
    if (isDenied(error) || alsoIf(error)) return true
    throw error
  }
}

function denied(upstream: string, repository: string): RegistryError {
  return new RegistryError(
    'DENIED',
    `${repository} is private at ${upstream}: a rule in access.rules must name who may see it`,
  )
}
