import { parseHost } from './hosts.ts'
import { InvalidValue } from './mistakes.ts'

/** The root of a registry's API: `https://host/prefix` is completed to `https://host/prefix/v2`. */
export function parseEndpointUrl(text: string): string {
  const url = parseWebUrl(text)
  const segments = segmentsOf(url)
  const root = segments.includes('v2') ? segments : [...segments, 'v2']
  return [url.origin, ...root].join('/')
}

/** Without a trailing slash. */
export function parseBaseUrl(text: string): string {
  const url = parseWebUrl(text)
  return [url.origin, ...segmentsOf(url)].join('/')
}

export function parseOrigin(text: string): string {
  const url = parseWebUrl(text)
  if (segmentsOf(url).length === 0) return url.origin
  throw new InvalidValue('must be without a path: clients expect /v2/ at the root of a host')
}

function parseWebUrl(text: string): URL {
  // The URL parser itself would accept "https:host", backslashes, and line breaks within.
  if (!/^https?:\/\/[^/]/i.test(text) || /[\s\\\p{Cc}]/u.test(text) || !URL.canParse(text)) {
    throw new InvalidValue('must be a URL that begins with https:// or http://')
  }
  const url = new URL(text)
  parseHost(url.hostname)
  if (url.username !== '' || url.password !== '') {
    throw new InvalidValue('must not contain credentials: write them under username and password')
  }
  if (/[?#]/.test(text)) throw new InvalidValue('must be without ? and #')
  return url
}

function segmentsOf(url: URL): string[] {
  return url.pathname.split('/').filter((segment) => segment !== '')
}
