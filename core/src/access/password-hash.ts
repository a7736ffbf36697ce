import type { VerifyBcrypt } from '../ports.ts'

/** A password as it stands in an htpasswd file. */
export type PasswordHash =
  | { readonly scheme: 'bcrypt'; readonly text: string }
  | {
      readonly scheme: 'pbkdf2'
      readonly hash: 'SHA-256' | 'SHA-512'
      readonly iterations: number
      readonly salt: Uint8Array<ArrayBuffer>
      readonly key: Uint8Array<ArrayBuffer>
    }

/** What this runtime can compare a password with. */
export interface PasswordMeans {
  readonly verifyBcrypt?: VerifyBcrypt
  /** Undefined: no limit of the runtime's own. */
  readonly maxPbkdf2Iterations?: number
}

/** Cloudflare's Web Crypto takes no more iterations; one line then serves on every platform. */
const usualIterations = 100_000
const leastIterations = 10_000
/** A line is not to be a way to make the mirror work for minutes. */
const mostIterations = 2_000_000
const mostBcryptCost = 15

const bcryptPattern = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
// `i=` is ours, and the number alone passlib's.
const pbkdf2Pattern =
  /^\$pbkdf2-sha(256|512)\$(?:i=)?(\d{1,9})\$([\w./+-]{8,200})\$([\w./+-]{22,200})$/

/** Parses one hash, or says in a sentence, without a value of it, what is wrong. */
export function parsePasswordHash(text: string, means: PasswordMeans): PasswordHash | string {
  if (/^\$2[a-z]?\$/.test(text)) return parseBcrypt(text, means)
  if (text.startsWith('$pbkdf2')) return parsePbkdf2(text, means)
  const [, what] = refused.find(([pattern]) => pattern.test(text)) ?? []
  return `is ${what ?? 'plain text or an old crypt'}, which is no protection: make it anew with "pullway user add"`
}

const refused: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'empty'],
  [/^\{S?SHA\}/i, 'SHA-1'],
  [/^\$apr1\$/, 'MD5 (apr1)'],
  [/^\$1\$/, 'MD5 (crypt)'],
  [/^\$[56]\$/, 'SHA crypt'],
  [/^\$/, 'of a kind that is not known here'],
]

function parseBcrypt(text: string, { verifyBcrypt }: PasswordMeans): PasswordHash | string {
  const cost = Number(bcryptPattern.exec(text)?.[1])
  if (!(cost >= 4)) return 'is broken: a bcrypt hash is $2b$, two digits, $ and 53 characters'
  if (cost > mostBcryptCost)
    return `has a bcrypt cost of ${cost}, which takes minutes: ${mostBcryptCost} at most`
  if (!verifyBcrypt)
    return 'is bcrypt, which this platform cannot compute: make it anew with "pullway user add --pbkdf2"'
  return { scheme: 'bcrypt', text }
}

function parsePbkdf2(
  text: string,
  { maxPbkdf2Iterations = mostIterations }: PasswordMeans,
): PasswordHash | string {
  const [, bits, iterationsText, saltText = '', keyText = ''] = pbkdf2Pattern.exec(text) ?? []
  const iterations = Number(iterationsText)
  const salt = fromBase64(saltText)
  const key = fromBase64(keyText)
  if (bits === undefined || !salt || !key || key.length > 64)
    return 'is broken: write $pbkdf2-sha512$i=100000$, a salt, $ and a key, both in base64'
  if (iterations < leastIterations)
    return `has ${iterations} iterations, which is no protection: make it anew with "pullway user add --pbkdf2"`
  if (iterations > maxPbkdf2Iterations)
    return `has ${iterations} iterations, and this platform computes ${maxPbkdf2Iterations} at most: make it anew with "pullway user add --pbkdf2"`
  return { scheme: 'pbkdf2', hash: bits === '256' ? 'SHA-256' : 'SHA-512', iterations, salt, key }
}

export async function verifyPassword(
  password: string,
  hash: PasswordHash,
  { verifyBcrypt }: PasswordMeans,
): Promise<boolean> {
  if (hash.scheme === 'bcrypt') return (await verifyBcrypt?.(password, hash.text)) ?? false
  return isEqual(await derive(password, hash), hash.key)
}

/** A line's hash for a new password, in the form that every platform can compute. */
export async function hashWithPbkdf2(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const common = { hash: 'SHA-512', iterations: usualIterations, salt } as const
  const key = await derive(password, { ...common, key: new Uint8Array(32) })
  return `$pbkdf2-sha512$i=${usualIterations}$${toBase64(salt)}$${toBase64(key)}`
}

async function derive(
  password: string,
  { hash, iterations, salt, key }: Omit<Extract<PasswordHash, { scheme: 'pbkdf2' }>, 'scheme'>,
): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(password)
  const material = await crypto.subtle.importKey('raw', bytes, 'PBKDF2', false, ['deriveBits'])
  const algorithm = { name: 'PBKDF2', hash, iterations, salt }
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, material, key.length * 8))
}

/** In a time that does not tell where they differ. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length
  one.forEach((byte, index) => {
    difference |= byte ^ (other[index] ?? 0)
  })
  return difference === 0
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, '')
}

/** With passlib's dot for a plus, too. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const usual = text.replaceAll(/[.-]/g, '+').replaceAll('_', '/')
    return Uint8Array.from(atob(usual), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
