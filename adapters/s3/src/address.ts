import type { Digest } from '@pullway/core'

export interface BucketOptions {
  /** `https://s3.eu-central-1.amazonaws.com`; a path is kept, as services behind a gateway need it. */
  readonly endpoint: string
  readonly bucket: string
  /** Stands before every key as it is: end it with a slash to make it a folder. */
  readonly prefix?: string
  /** The bucket in the path instead of the host. Otherwise only where a host cannot carry it. */
  readonly forcePathStyle?: boolean
}

export interface Bucket {
  readonly isEncrypted: boolean
  keyOf(digest: Digest): string
  urlOf(key: string): URL
}

/** Throws where the options cannot mean one bucket. */
export function createBucket({
  endpoint,
  bucket,
  prefix = '',
  forcePathStyle,
}: BucketOptions): Bucket {
  const base = parseEndpoint(endpoint)
  if (!bucketName.test(bucket) || bucket.includes('..')) {
    throw new TypeError('The bucket is not a name that S3 knows')
  }
  checkPrefix(prefix)
  const isInPath = forcePathStyle ?? !canBeInHost(bucket, base)
  if (!isInPath) base.host = `${bucket}.${base.host}`
  const root = base.pathname.replace(/\/+$/, '') + (isInPath ? `/${bucket}/` : '/')

  return {
    isEncrypted: base.protocol === 'https:',
    keyOf(digest) {
      const [algorithm = '', hex = ''] = digest.split(':')
      return `${prefix}blobs/${algorithm}/${hex.slice(0, 2)}/${hex}`
    },
    urlOf: (key) => new URL(root + key.split('/').map(encode).join('/'), base.origin),
  }
}

/** As S3 names them, and the older rules of us-east-1, which other services keep to. */
const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/
const hostLabel = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/

/** A certificate's wildcard covers one label only, and an address has no names below it. */
function canBeInHost(bucket: string, { hostname }: URL): boolean {
  const isAddress = hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
  return hostLabel.test(bucket) && !isAddress && hostname !== 'localhost'
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new TypeError('The S3 endpoint is not an http or https address')
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError('The S3 endpoint has more than a host and a path')
  }
  return url
}

/** A key has 1024 bytes (S3, "Object key naming"), of which our part takes less than 200. */
const longestPrefix = 800

function checkPrefix(prefix: string): void {
  // Half a surrogate pair has no UTF-8.
  if (/[\p{Cc}\p{Cs}]/u.test(prefix)) {
    throw new TypeError('The S3 prefix has control characters, or is no valid text')
  }
  if (new TextEncoder().encode(prefix).byteLength > longestPrefix) {
    throw new TypeError(`The S3 prefix is longer than ${longestPrefix} bytes`)
  }
  // URLs resolve such segments, also when they are percent-encoded: the key would be another one.
  const folders = prefix.split('/').slice(0, -1)
  if (folders.some((folder) => folder === '' || folder === '.' || folder === '..')) {
    throw new TypeError('The S3 prefix has an empty, "." or ".." segment')
  }
}

/** As a signature spells it: RFC 3986, unreserved characters only. */
function encode(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
