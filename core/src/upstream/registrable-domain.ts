import {
  bucketBits,
  bucketLengths,
  exceptions,
  hashBits,
  remainderBits,
  ruleHashes,
} from './public-suffixes.ts'

const exceptional: ReadonlySet<string> = /* @__PURE__ */ new Set(exceptions)

/** What no name that is a host's may have: empty labels, hyphens at a label's ends, more than DNS takes. */
const hostPattern =
  /^(?=.{1,255}$)(?!.*-\.)(?:[a-z0-9_][a-z0-9_-]{0,62}\.)+(?![0-9]+$)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * The domain that its owner has registered, of a hostname as URL has it: `example.co.uk` of `a.b.example.co.uk`.
 * Private suffixes count: two customers of one hosting domain are strangers to each other. Undefined for
 * addresses, and for names that are a suffix themselves. The rules are those of publicsuffix.org.
 */
export function registrableDomain(hostname: string): string | undefined {
  const name = hostname.replace(/\.$/, '')
  if (!hostPattern.test(name)) return undefined
  const labels = name.split('.')
  const nameFrom = (label: number): string => labels.slice(label).join('.')
  const exception = labels.findIndex((_, label) => exceptional.has(nameFrom(label)))
  if (exception >= 0) return nameFrom(exception)
  const suffix = labels.findIndex((_, label) => isSuffix(nameFrom(label)))
  return suffix === 0 ? undefined : nameFrom(suffix - 1)
}

/** Each name of one label is a suffix, whether or not there is such a top level domain. */
function isSuffix(name: string): boolean {
  const dot = name.indexOf('.')
  return dot === -1 || isRule(name) || isRule(`*${name.slice(dot)}`)
}

/** One name in thousands is taken for a rule that it is not: then more hosts are strangers, never fewer. */
function isRule(rule: string): boolean {
  const wanted = hashOf(rule)
  const bucket = wanted >>> bucketBits
  const start = bucketLengths.slice(0, bucket).reduce((sum, length) => sum + length, 0)
  return isInBucket(wanted % 2 ** bucketBits, start, start + (bucketLengths[bucket] ?? 0))
}

let bytes: string | undefined

/** Sorted hashes, each as what it adds to the former: a Rice code (core/public-suffixes.mjs writes it). */
function isInBucket(wanted: number, start: number, end: number): boolean {
  const code = (bytes ??= atob(ruleHashes))
  let position = start
  const nextBit = (): number => (code.charCodeAt(position >>> 3) >>> (7 - (position++ & 7))) & 1
  let hash = 0
  while (position < end) {
    let quotient = 0
    while (nextBit() === 1) quotient++
    let remainder = 0
    for (let bit = 0; bit < remainderBits; bit++) remainder = remainder * 2 + nextBit()
    hash += quotient * 2 ** remainderBits + remainder
    if (hash >= wanted) return hash === wanted
  }
  return false
}

/** FNV-1a, and the last mixing of MurmurHash3, without which its upper bits are poor. */
function hashOf(rule: string): number {
  let hash = 0x811c9dc5
  for (let place = 0; place < rule.length; place++) {
    hash = Math.imul(hash ^ rule.charCodeAt(place), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> (32 - hashBits)
}
