import { expect, test } from 'vitest'
import { createTestMirror, readAnswer, type TestMirror } from '../fakes/mirror.ts'
import {
  answers,
  buildMultiArch,
  createFakeRegistry,
  type CallKind,
  type Content,
  type FakeRegistry,
  type Fault,
} from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

/**
 * Everything at once and in any order: whatever goes wrong upstream and whoever leaves, a client that gets a
 * whole answer gets the right one, nothing fails inside, and when the trouble is over all is well.
 */

const image = buildMultiArch({ seed: 99, layers: 2, layerBytes: 120_000 })
const contents = [...image.manifests, ...image.blobs]
const root = '/v2/library/chaos'

const faults: readonly Fault[] = [
  { kind: 'hang' },
  { kind: 'no-answer', failure: 'unreachable' },
  { kind: 'no-answer', failure: 'timeout' },
  { kind: 'cut', afterBytes: 0 },
  { kind: 'cut', afterBytes: 50_000 },
  { kind: 'cut', afterBytes: 100_000 },
  { kind: 'end-early', afterBytes: 70_000 },
  { kind: 'stall', afterBytes: 30_000 },
  { kind: 'wrong-bytes' },
  { kind: 'answer', answer: answers.serverError },
  { kind: 'answer', answer: answers.tooManyRequestsText },
  { kind: 'answer', answer: answers.webPage },
  { kind: 'answer', answer: answers.signatureExpired },
  { kind: 'answer', answer: answers.bareUnauthorized },
  { kind: 'headers', headers: { 'content-encoding': 'gzip' } },
]

const kinds: readonly CallKind[] = ['manifest', 'blob', 'token', 'blob-host', 'blob-host']

/** 416: a page that comes instead of a blob has no such range. */
const statuses = new Set([200, 206, 403, 404, 416, 429, 503, 504])

type Random = (below: number) => number

/** The same numbers for the same seed (mulberry32). */
function createRandom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function planTrouble(fake: FakeRegistry, random: Random): (() => void)[] {
  return Array.from({ length: 8 }, () => {
    const target = { kind: kinds[random(kinds.length)]!, times: 1 + random(3) }
    const fault = fake.fail(target, faults[random(faults.length)]!)
    return () => {
      fault.lift()
    }
  })
}

function pathOf(content: Content): string {
  return `${root}/${image.manifests.includes(content) ? 'manifests' : 'blobs'}/${content.digest}`
}

/** One client that wants one content, whole or in part, and may leave early. */
async function visit(mirror: TestMirror, random: Random): Promise<void> {
  const content = contents[random(contents.length)]!
  const size = content.bytes.length
  const isBlob = image.blobs.includes(content)
  const first = isBlob && random(3) === 0 ? random(size) : undefined
  const leaves = random(4) === 0
  const isHead = random(6) === 0
  const path =
    content === image.root && random(2) === 0 ? `${root}/manifests/latest` : pathOf(content)
  await mirror.clock.sleep(random(3_000))
  const headers = first === undefined ? {} : { range: `bytes=${first}-` }
  const response = await mirror.fetch(path, { method: isHead ? 'HEAD' : 'GET', headers })
  expect(statuses).toContain(response.status)
  if (isHead) return expectHead(response, content)
  if (leaves) {
    const reader = response.body?.getReader()
    await reader?.read().catch(() => undefined)
    await reader?.cancel().catch(() => undefined)
    return
  }
  const answer = await readAnswer(response)
  if (answer.status >= 400 || answer.broken !== undefined) return
  const expected = answer.status === 206 ? content.bytes.subarray(first) : content.bytes
  expect(Buffer.compare(answer.bytes, expected), pathOf(content)).toBe(0)
}

async function expectHead(response: Response, content: Content): Promise<void> {
  expect((await response.arrayBuffer()).byteLength).toBe(0)
  if (response.status !== 200) return
  expect(response.headers.get('docker-content-digest')).toBe(content.digest)
}

test.each(Array.from({ length: 80 }, (_, seed) => seed))('seed %i', async (seed) => {
  const random = createRandom(seed)
  const fake = createFakeRegistry(dockerHub)
  fake.push('library/chaos', 'latest', image)
  const mirror = createTestMirror({ fetch: fake.fetch })
  const lift = planTrouble(fake, random)
  const visits = Array.from({ length: 12 }, () => visit(mirror, random))
  await mirror.drive(Promise.all(visits))
  for (const end of lift) end()
  await mirror.drive(mirror.settle())

  await mirror.clock.advance(61_000)
  for (const content of contents) {
    const answer = await mirror.drive(readAnswer(await mirror.fetch(pathOf(content))))
    expect([answer.status, answer.broken], pathOf(content)).toEqual([200, undefined])
    expect(Buffer.compare(answer.bytes, content.bytes)).toBe(0)
  }
  expect(mirror.logged.filter((line) => line.includes('"a request failed"'))).toEqual([])
  expect(fake.calls.filter(({ kind }) => kind === 'stranger')).toEqual([])
})
