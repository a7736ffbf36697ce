import { InvalidValue } from './mistakes.ts'

/** Amazon's rules for general purpose buckets, with the capitals and underscores of older and other services. */
export function parseBucket(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9]$/.test(text) && !text.includes('..')) return text
  throw new InvalidValue('must be the name of a bucket: 3 to 63 letters, digits, dots and hyphens')
}

/** Completed by a slash. */
export function parsePrefix(text: string): string {
  const prefix = text.replace(/^\/+|\/+$/g, '')
  if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(prefix) || prefix.split('/').includes('..')) {
    throw new InvalidValue('must be a path of letters, digits and . _ - within the bucket')
  }
  return `${prefix}/`
}

const redisSchemes = new Set(['redis:', 'rediss:', 'https:', 'http:'])

/** The address may hold the password, as Redis clients have it, so it is never repeated in a message. */
export function parseRedisUrl(text: string): string {
  const url = /\s|\p{Cc}/u.test(text) ? null : URL.parse(text)
  if (url && redisSchemes.has(url.protocol) && url.hostname !== '') return text
  throw new InvalidValue(
    'must begin with redis:// or rediss://, or with https:// for Redis over HTTP',
  )
}
