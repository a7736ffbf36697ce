import { expect, test } from 'vitest'
import { manifestTypes, parseAccept } from '../../../core/src/request/accept.ts'

const [ociIndex, dockerList, ociManifest, dockerManifest] = manifestTypes
const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
const all = manifestTypes.join(', ')

test.each([
  [null],
  [''],
  ['*/*'],
  ['application/*'],
  ['application/json'],
  [`${dockerManifest}, */*`],
  [`text/html, */*;q=0.1`],
])('%s accepts everything', (header) => {
  const accepted = parseAccept(header)
  expect(accepted).toMatchObject({ key: 'any', header: all })
  expect(accepted.accepts(ociIndex)).toBe(true)
  expect(accepted.accepts('application/vnd.wasm.config.v1+json')).toBe(true)
})

test.each([
  [all],
  [[...manifestTypes].reverse().join(',')],
  [all.toUpperCase()],
  [manifestTypes.map((type) => ` ${type} ; q=0.9`).join(' ,')],
  [`${schema1}, application/json, ${all}, ${all}`],
])('%s splits no cache', (header) => {
  expect(parseAccept(header)).toMatchObject({ key: 'any', header: all })
})

test.each([
  [dockerManifest, dockerManifest, [dockerManifest], [ociManifest, ociIndex, dockerList]],
  [
    `${dockerManifest}, ${ociManifest}`,
    `${ociManifest}, ${dockerManifest}`,
    [ociManifest, dockerManifest],
    [ociIndex],
  ],
  [
    `${ociIndex};q=0, ${ociManifest}; q=0.000 , ${dockerList};q=0.001`,
    dockerList,
    [dockerList],
    [ociIndex, ociManifest],
  ],
  [`${dockerManifest}, application/json`, dockerManifest, [dockerManifest], [ociManifest]],
  [`${schema1}, ${dockerList}`, dockerList, [dockerList, schema1], [dockerManifest]],
  ['text/html', all, [], manifestTypes],
  ['*/*;q=0', all, [], manifestTypes],
  [`${ociIndex}x`, all, [], [ociIndex]],
] as const)('%s asks for %s', (header, sent, taken, refused) => {
  const accepted = parseAccept(header)
  expect(accepted.header).toBe(sent)
  expect(accepted.key).not.toBe('any')
  for (const type of taken) expect(accepted.accepts(type), type).toBe(true)
  for (const type of refused) expect(accepted.accepts(type), type).toBe(false)
})

test('the order of types does not split the cache, another choice of types does', () => {
  const one = parseAccept(`${ociIndex}, ${dockerManifest}`)
  const same = parseAccept(`${dockerManifest} , ${ociIndex};q=0.2`)
  const other = parseAccept(`${ociIndex}, ${ociManifest}`)
  expect(same.key).toBe(one.key)
  expect(other.key).not.toBe(one.key)
})

test('thousands of spellings are read as the first', () => {
  for (let count = 0; count < 3_000; count += 1) {
    const accepted = parseAccept(`${dockerManifest};v=${count}`)
    expect(accepted.header).toBe(dockerManifest)
  }
})
