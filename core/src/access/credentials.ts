import { RegistryError } from '../errors.ts'

/** What an Authorization header says, before anybody has looked whether it is true. */
export type Claim =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly name: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }

const nothing: Claim = { kind: 'none' }

/** A longer one is no password of ours, nor a token. */
const maxHeaderLength = 8 * 1024
const maxNameLength = 255
const maxPasswordLength = 1024

/** Throws where the header cannot be read: who sends one wants to be somebody. */
export function parseAuthorization(header: string | null): Claim {
  if (header === null || header.trim() === '') return nothing
  if (header.length > maxHeaderLength) throw unreadable('is too long')
  const [, scheme = '', value = ''] = /^ *([a-z]+)(?: +([^\s,]*))? *$/i.exec(header) ?? []
  switch (scheme.toLowerCase()) {
    case 'basic':
      return parseBasic(value)
    case 'bearer':
      if (/^[\w.~+/=-]+$/.test(value)) return { kind: 'bearer', token: value }
  }
  throw unreadable('is neither Basic with a name and a password nor Bearer with a token')
}

/** Of a form or of HTTP Basic; empty ones are what podman sends when it has none (clients.md, section 2). */
export function toClaim(name: string, password: string): Claim {
  if (name === '' && password === '') return nothing
  if (name.length > maxNameLength || password.length > maxPasswordLength)
    throw unreadable('is too long')
  // RFC 7617, section 2: neither may contain control characters.
  if (/\p{Cc}/u.test(name + password)) throw unreadable('contains control characters')
  return { kind: 'password', name, password }
}

function parseBasic(value: string): Claim {
  const text = decode(value)
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon < 0) throw unreadable('is no name and password in base64')
  return toClaim(text.slice(0, colon), text.slice(colon + 1))
}

function decode(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function unreadable(what: string): RegistryError {
  return new RegistryError('UNAUTHORIZED', `the login ${what}: log in anew`)
}
