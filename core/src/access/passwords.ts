import { RegistryError } from '../errors.ts'
import type { Clock, CreateHasher, Logger } from '../ports.ts'
import type { Guesses } from './guesses.ts'
import type { UserEntry } from './htpasswd.ts'
import { type PasswordMeans, verifyPassword } from './password-hash.ts'
import { createRemembered } from './remembered.ts'
import { random, toHex } from './signing-keys.ts'
import { hashText, type Users } from './users.ts'

export interface PasswordCheck {
  readonly name: string
  readonly password: string
  /** The client's address. */
  readonly address: string
}

export interface Passwords {
  /** Whose name and password, or whose service token these are; undefined: nobody's. Throws a 429 to who guesses. */
  check(asked: PasswordCheck): Promise<UserEntry | undefined>
  /** The same for who does not mean us: no pause, and what was wrong before is not counted again. */
  checkStray(asked: PasswordCheck): Promise<UserEntry | undefined>
}

export interface PasswordsOptions {
  readonly users: Users
  readonly means: PasswordMeans
  readonly guesses: Guesses
  readonly clock: Clock
  readonly createHasher: CreateHasher
  readonly logger: Logger
}

/** Pulls with HTTP Basic ask for every layer: one comparison, which is made to be slow, serves for so long. */
const rememberMs = 5 * 60_000
/** Comparisons at once, and those that wait: each costs a quarter of a second of a processor. */
const maxRunning = 2
const maxWaiting = 64

export const tokenPrefix = 'pwt_'

export function createPasswords(options: PasswordsOptions): Passwords {
  const { users, means, guesses, clock, createHasher, logger } = options
  const isRight = createRemembered<boolean>(clock, rememberMs)
  const underWay = new Map<string, Promise<boolean>>()
  const gate = createGate()
  let salt: string | undefined

  return {
    check: (asked) => check(asked, false),
    checkStray: (asked) => check(asked, true),
  }

  async function check(asked: PasswordCheck, isStray: boolean): Promise<UserEntry | undefined> {
    const { name, password, address } = asked
    // 256 random bits: not to be guessed, and found without a comparison.
    if (password.startsWith(tokenPrefix)) return users.findToken(password)
    const known = users.find(name)
    const entry = known?.secret.scheme === 'token' ? undefined : known
    // Nobody who sees the memory's keys can try passwords on them elsewhere. Workers have no random numbers at their start.
    salt ??= toHex(random(32))
    const key = hashText(createHasher, salt, name, password, entry?.text ?? '')
    const remembered = isRight.get(key)
    if (remembered === true) return entry
    if (isStray && (remembered === false || guesses.isBlocked(address))) return undefined
    const guess = guesses.begin(address)
    if (remembered ?? (await compareOnce(key, name, password, entry))) {
      guess.right()
      return entry
    }
    logger.warn('A login failed', { client: address, user: known?.name })
    if (!isStray) await guess.wrong()
    return undefined
  }

  /** An unknown user takes as long as a known one. */
  async function compareOnce(
    key: string,
    name: string,
    password: string,
    entry: UserEntry | undefined,
  ): Promise<boolean> {
    const joined = underWay.get(key)
    if (joined) return joined
    const compared = gate(async () => {
      const hash = (entry ?? users.decoy(name))?.secret
      if (!hash || hash.scheme === 'token') return false
      return (await verifyPassword(password, hash, means)) && entry !== undefined
    }).finally(() => underWay.delete(key))
    underWay.set(key, compared)
    const result = await compared
    isRight.set(key, result)
    return result
  }
}

/** A few at a time, some in a queue, and a 429 for the rest. */
function createGate(): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0

  return async (work) => {
    if (running >= maxRunning) {
      if (waiting.length >= maxWaiting) throw busy()
      await new Promise<void>((resolve) => void waiting.push(resolve))
    } else {
      running += 1
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      // Its place is handed on.
      if (next) next()
      else running -= 1
    }
  }
}

function busy(): RegistryError {
  return new RegistryError('TOOMANYREQUESTS', 'too many logins at once: try again', {
    headers: { 'retry-after': '1' },
  })
}
