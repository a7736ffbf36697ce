import { fromBase64, toBase64Url } from '../base64.ts'
import { decodeJson, isObject } from '../json.ts'

/** What an upstream gave a caller: a bearer token, or that it takes the caller's own login with each request. */
export interface UpstreamToken {
  readonly scheme: 'Bearer' | 'Basic'
  readonly value: string
}

/** By upstream: a client that mounts from one into another asks for both at once, and sends one token. */
export type RelayToken = ReadonlyMap<string, UpstreamToken>

/** Docker Hub's are 4 KiB; the header of a client's request may be 32 KiB. */
export const maxTokenLength: number = 16 * 1024
const prefix = 'pullway-relay.'

/**
 * One bearer of upstream tokens. It is not signed: nothing in it is believed but where each token may go, which
 * only keeps it from everywhere else, and what each is worth the upstream says. So it needs no key that all
 * instances share, and outlives them.
 */
export function writeRelayToken(tokens: RelayToken): string {
  const text = JSON.stringify([...tokens].map(([name, { scheme, value }]) => [name, scheme, value]))
  return prefix + toBase64Url(text)
}

/** Undefined for whatever we have not written, or could not have. */
export function readRelayToken(text: string): RelayToken | undefined {
  if (!text.startsWith(prefix) || text.length > maxTokenLength * 2) return undefined
  const list = decodeJson(fromBase64(text.slice(prefix.length)))
  if (!Array.isArray(list)) return undefined
  const tokens = new Map<string, UpstreamToken>()
  for (const item of list) {
    const [name, scheme, value] = Array.isArray(item) ? (item as unknown[]) : []
    if (typeof name !== 'string' || !isHeaderSafe(value)) return undefined
    if (scheme !== 'Bearer' && scheme !== 'Basic') return undefined
    tokens.set(name, { scheme, value })
  }
  return tokens
}

/** A refresh token of one upstream: it must not go to another. */
export function writeRefreshToken(upstream: string, value: string): string {
  const text = JSON.stringify({ upstream, value })
  return prefix + toBase64Url(text)
}

export function readRefreshToken(
  text: string,
): { readonly upstream: string; readonly value: string } | undefined {
  if (!text.startsWith(prefix) || text.length > maxTokenLength * 2) return undefined
  const parsed = decodeJson(fromBase64(text.slice(prefix.length)))
  if (!isObject(parsed)) return undefined
  const { upstream, value } = parsed
  return typeof upstream === 'string' && isHeaderSafe(value) ? { upstream, value } : undefined
}

/** Nothing but visible ASCII may reach a header. */
export function isHeaderSafe(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(value)
}
