import type { Digest } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import { planEviction } from '../../../core/src/cache/eviction.ts'
import {
  countNeeds,
  type KeptContent,
  partsOf,
  readManifestNames,
  removalOf,
} from '../../../core/src/cache/kept-contents.ts'
import { createRandom } from '../../fakes/random.ts'

/** A short name in the place of a digest. */
function d(name: string): Digest {
  return `sha256:${name}`
}

type Row = readonly [name: string, usedAt: number, names?: string]

/** `['image', 5, 'config layer']`, `['index', 5, '@image @other']`. */
function keep(...rows: readonly Row[]): Map<Digest, KeptContent> {
  return new Map(
    rows.map(([name, usedAt, names]) => {
      const words = names?.split(' ') ?? []
      const manifests = words.filter((word) => word.startsWith('@')).map((word) => d(word.slice(1)))
      const blobs = words.filter((word) => word !== '' && !word.startsWith('@')).map(d)
      const all = names === undefined ? undefined : { manifests, blobs }
      return [d(name), { size: 1, usedAt, names: all }]
    }),
  )
}

function plan(...rows: readonly Row[]): string[] {
  return [...planEviction(keep(...rows))].map(({ digests }) =>
    digests.map((digest) => digest.slice('sha256:'.length)).join(' '),
  )
}

describe('what goes first', () => {
  test.each<[string, readonly Row[], string[]]>([
    ['of nothing', [], []],
    [
      'blobs that no manifest needs, by use',
      [
        ['b', 2],
        ['a', 3],
        ['c', 1],
      ],
      ['c', 'b', 'a'],
    ],
    [
      'a blob that none needs, before an older image',
      [
        ['a', 1, 'x'],
        ['x', 1],
        ['y', 9],
      ],
      ['y', 'a x'],
    ],
    [
      'images by use, each whole',
      [
        ['a', 2, 'x'],
        ['x', 2],
        ['b', 1, 'y'],
        ['y', 1],
      ],
      ['b y', 'a x'],
    ],
    [
      'what images share, with the last of them',
      [
        ['a', 1, 'x base'],
        ['b', 2, 'y base'],
        ['x', 1],
        ['y', 2],
        ['base', 2],
      ],
      ['a x', 'b y base'],
    ],
    [
      'a use of its own layer counts for an image, one of a shared layer does not',
      [
        ['a', 1, 'x base'],
        ['b', 2, 'base'],
        ['x', 5],
        ['base', 9],
      ],
      ['b', 'a x base'],
    ],
    ['an image of which only the manifest is here', [['a', 1, 'x y']], ['a']],
    [
      'an index after its images, whenever it was used',
      [
        ['i', 1, '@a @b'],
        ['a', 5, 'x'],
        ['b', 3, 'y'],
        ['x', 5],
        ['y', 3],
      ],
      ['b y', 'a x', 'i'],
    ],
    [
      'an image of an index that is in use',
      [
        ['i', 9, '@a'],
        ['a', 1, 'x'],
        ['x', 1],
        ['b', 5, 'y'],
        ['y', 5],
      ],
      ['a x', 'b y', 'i'],
    ],
    [
      'an index without images, by its own use',
      [
        ['i', 1, '@a'],
        ['b', 5, 'y'],
        ['y', 5],
      ],
      ['i', 'b y'],
    ],
    [
      'an index of indexes last of all',
      [
        ['o', 1, '@i'],
        ['i', 2, '@a'],
        ['a', 3, 'x'],
        ['x', 3],
      ],
      ['a x', 'i', 'o'],
    ],
    [
      'a manifest that another names as a blob, after that one',
      [
        ['evil', 9, 'victim'],
        ['victim', 1, 'x'],
        ['x', 1],
      ],
      ['evil', 'victim x'],
    ],
    [
      'an image with the same blob twice',
      [
        ['a', 1, 'x x'],
        ['x', 1],
      ],
      ['a x'],
    ],
    ['an empty manifest', [['a', 1, '']], ['a']],
  ])('%s', (_, rows, expected) => {
    expect(plan(...rows)).toEqual(expected)
  })

  test('a chain of ten thousand indexes is no deeper than its list', () => {
    const rows = Array.from({ length: 10_000 }, (_, number): Row => [
      `i${number}`,
      1,
      number === 0 ? 'x' : `@i${number - 1}`,
    ])
    const order = plan(...rows, ['x', 1])
    expect(order.slice(0, 3)).toEqual(['i0 x', 'i1', 'i2'])
    expect(order).toHaveLength(10_000)
  })
})

/** The rule once more, as it is said: again and again the one that may go and was used least. */
function planNaively(contents: ReadonlyMap<Digest, KeptContent>): string[] {
  const left = new Map(contents)
  const needs = countNeeds(contents)
  const useOf = (digest: Digest): number => {
    const { usedAt, names } = contents.get(digest)!
    const own = names?.blobs.filter((blob) => needs.get(blob) === 1 && contents.has(blob)) ?? []
    const children = names?.manifests.filter((child) => contents.has(child)) ?? []
    return Math.max(usedAt, ...own.map((one) => contents.get(one)!.usedAt), ...children.map(useOf))
  }
  const order: string[] = []
  while (left.size > 0) {
    const needed = new Set([...left.values()].flatMap(({ names }) => names?.blobs ?? []))
    const free = [...left.keys()].filter((one) => !left.get(one)!.names && !needed.has(one))
    const images = [...left.keys()].filter(
      (one) => left.get(one)!.names && !left.get(one)!.names!.manifests.some((c) => left.has(c)),
    )
    const candidates = free.length > 0 ? free : images
    const first = candidates.reduce((one, other) => (useOf(other) < useOf(one) ? other : one))
    left.delete(first)
    const others = new Set([...left.values()].flatMap(({ names }) => names?.blobs ?? []))
    const blobs = contents.get(first)!.names?.blobs ?? []
    const gone = blobs.filter((blob) => left.has(blob) && !others.has(blob))
    for (const blob of gone) left.delete(blob)
    order.push([first, ...gone].join(' '))
  }
  return order
}

test('five hundred random stores, against the rule in its simplest form', () => {
  const random = createRandom(7)
  for (let round = 0; round < 500; round += 1) {
    let time = 0
    const uses = Array.from({ length: 60 }, () => (time += 1)).sort(() => random() - 0.5)
    const use = (): number => uses.pop() ?? 0
    const blobs = Array.from({ length: 12 }, (_, number) => `b${number}`)
    const images = Array.from({ length: 8 }, (_, number) => `m${number}`)
    const some = (list: readonly string[], sign = ''): string =>
      list
        .filter(() => random() < 0.3)
        .map((name) => sign + name)
        .join(' ')
    const rows: Row[] = [
      ...blobs.map((name): Row => [name, use()]),
      ...images.map((name): Row => [name, use(), some(blobs)]),
      ...['i0', 'i1', 'i2'].map((name): Row => [name, use(), some(images, '@')]),
    ]
    const contents = keep(...rows.filter(() => random() < 0.8))
    const planned = [...planEviction(contents)].map(({ digests }) => digests.join(' '))
    expect(planned).toEqual(planNaively(contents))
  }
})

describe('what an image is made of', () => {
  const contents = keep(
    ['i', 1, '@a @b @absent'],
    ['a', 1, 'x base'],
    ['b', 1, 'y base'],
    ['c', 1, 'z base'],
    ...['x', 'y', 'z', 'base'].map((name): Row => [name, 1]),
  )
  const names = (digests: Iterable<Digest>): string =>
    [...digests]
      .map((digest) => digest.slice(7))
      .sort()
      .join(' ')

  test.each([
    ['i', 'a b base i x y'],
    ['a', 'a base x'],
    ['x', 'x'],
    ['absent', ''],
  ])('%s: %s', (image, parts) => {
    expect(names(partsOf(contents, d(image)))).toBe(parts)
  })

  test.each([
    ['i', [], 'a b i x y', 'an index with its images, not what another image shares'],
    ['a', [], '', 'nothing that an index still names'],
    ['c', [], 'c z', 'an image with what only it needs'],
    ['i', ['a'], 'b i y', 'not an image with a tag of its own'],
    ['c', ['c'], '', 'nothing that somebody wants'],
    ['i', ['x'], 'a b i y', 'not a blob that somebody wants'],
    ['absent', [], '', 'nothing that is not here'],
  ])('rm %s while %j is wanted takes %j: %s', (image, wanted, gone) => {
    const removal = removalOf(contents, d(image), (one) => wanted.includes(one.slice(7)))
    expect(names(removal)).toBe(gone)
    // The manifests go first.
    const kinds = removal.map((digest) => contents.get(digest)?.names !== undefined)
    expect(kinds).toEqual(kinds.toSorted((one, other) => Number(other) - Number(one)))
  })
})

describe('what a file names', () => {
  const hex = (letter: string): Digest => `sha256:${letter.repeat(64)}`
  test.each<[string, unknown, unknown]>([
    [
      'an image',
      {
        schemaVersion: 2,
        config: { digest: hex('a') },
        layers: [{ digest: hex('b') }, { digest: hex('b') }],
      },
      { manifests: [], blobs: [hex('a'), hex('b')] },
    ],
    [
      'an index',
      { schemaVersion: 2, manifests: [{ digest: hex('a') }] },
      { manifests: [hex('a')], blobs: [] },
    ],
    ['a config', { architecture: 'amd64', rootfs: {} }, undefined],
    [
      'digests that are none',
      { schemaVersion: 2, layers: [{ digest: '../x' }, { digest: 7 }, null] },
      { manifests: [], blobs: [] },
    ],
    ['a list', [], undefined],
    ['null', null, undefined],
  ])('%s', (_, content, expected) => {
    expect(readManifestNames(new TextEncoder().encode(JSON.stringify(content)))).toEqual(expected)
  })

  test('that is no text', () => {
    expect(readManifestNames(new Uint8Array([123, 255, 254]))).toBeUndefined()
  })
})
