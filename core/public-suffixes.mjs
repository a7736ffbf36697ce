/**
 * Prints core/src/upstream/public-suffixes.ts: the rules of publicsuffix.org, as the package tldts has them, in a
 * form small enough for a Worker. `npm run suffixes` writes it, after an update of tldts.
 */
import {
  edgeChild,
  edgeLength,
  edgeStart,
  exceptionsRoot,
  labelText,
  nodeFlags,
  rulesRoot,
} from 'tldts/dist/es6/src/data/trie.js'

/** Of 9 300 rules: one name in 7 000 is taken for one. */
const hashBits = 26
/** Where a Rice code is shortest: a little less than the logarithm of the mean difference. */
const remainderBits = 12
/** The rest of a hash chooses one of 32 buckets: a look-up decodes no more than one. */
const bucketBits = 21

const labels = readLabels()
const exceptions = namesBelow(exceptionsRoot).sort()
// A URL has no other letters, and each top level domain is a suffix in any case.
const rules = namesBelow(rulesRoot).filter((rule) => /^[\x21-\x7e]+\.[\x21-\x7e]+$/.test(rule))
if (rules.some((rule) => rule.lastIndexOf('*') > 0)) throw new Error('a * within a rule is new')
const buckets = Array.from({ length: 2 ** (hashBits - bucketBits) }, () => [])
for (const hash of rules.map(hashOf)) buckets[hash >>> bucketBits].push(hash % 2 ** bucketBits)
const codes = buckets.map((hashes) => codeOf(hashes.sort((one, other) => one - other)))

process.stdout
  .write(`// Written by core/public-suffixes.mjs from the list of https://publicsuffix.org/, MPL 2.0.

export const hashBits = ${hashBits}
export const remainderBits = ${remainderBits}
export const bucketBits = ${bucketBits}

/** In bits. */
export const bucketLengths: readonly number[] = [
${linesOf(codes.map(({ length }) => length))}]

/** Names that a rule with a * would make suffixes, and that are none. */
export const exceptions: readonly string[] = [
${exceptions.map((name) => `  '${name}',\n`).join('')}]

/** Hashes of all rules of more than one label. */
export const ruleHashes =
  '${toBase64(codes.join(''))}'
`)

function readLabels() {
  let end = 0
  return Array.from(edgeLength, (length) => labelText.slice(end, (end += length)))
}

function namesBelow(node, name = '') {
  const names = nodeFlags[node] === 0 ? [] : [name]
  for (let edge = edgeStart[node]; edge < edgeStart[node + 1]; edge++) {
    names.push(
      ...namesBelow(edgeChild[edge], name === '' ? labels[edge] : `${labels[edge]}.${name}`),
    )
  }
  return names
}

/** As hashOf in core/src/upstream/registrable-domain.ts; a test compares what they make of all rules. */
function hashOf(rule) {
  let hash = 0x811c9dc5
  for (const character of Buffer.from(rule)) hash = Math.imul(hash ^ character, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> (32 - hashBits)
}

function codeOf(hashes) {
  return hashes
    .map((hash, place) => hash - (hashes[place - 1] ?? 0))
    .map((difference) => {
      const quotient = Math.floor(difference / 2 ** remainderBits)
      const remainder = difference % 2 ** remainderBits
      return `${'1'.repeat(quotient)}0${remainder.toString(2).padStart(remainderBits, '0')}`
    })
    .join('')
}

/** As prettier fills them. */
function linesOf(numbers) {
  const lines = ['']
  for (const number of numbers) {
    const longer = `${lines.at(-1)} ${number},`
    if (longer.length > 99) lines.push(` ${number},`)
    else lines[lines.length - 1] = longer
  }
  return lines.map((line) => ` ${line}\n`).join('')
}

function toBase64(bits) {
  const bytes = bits.match(/.{1,8}/g).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2))
  return Buffer.from(bytes).toString('base64')
}
