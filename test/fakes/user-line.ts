import { pbkdf2Sync } from 'node:crypto'

/** A user as in an htpasswd file, in the form that every platform can compute. */
export function lineOf(
  name: string,
  password: string,
  hash: 'sha256' | 'sha512' = 'sha512',
): string {
  const salt = Buffer.from(`salt of ${name}`)
  const key = pbkdf2Sync(password, salt, 10_000, 32, hash)
  const parts = [salt, key].map((one) => one.toString('base64').replaceAll('=', ''))
  return `${name}:$pbkdf2-${hash}$i=10000$${parts.join('$')}`
}
