import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { toDigest } from '../clients/digest.ts'
import { type Content, makeImage } from '../clients/upstream/images.ts'
import { expectContent, expectError } from './expect.ts'
import { onlyWith } from './only-with.ts'
import { startWorld, type World } from './world.ts'

const size = 300_000
const base = makeImage('owner/pullway-blobs:1.0', [size, 3_000_000])
const oneByte: Content = {
  mediaType: 'application/octet-stream',
  digest: toDigest(Buffer.from('p')),
  bytes: Buffer.from('p'),
}
const image = { ...base, blobs: [...base.blobs, oneByte] }
const [config, layer, cold] = base.blobs as [Content, Content, Content]
const other = makeImage('owner/pullway-other:1.0', [1000])
const total = layer.bytes.byteLength
const nobody = `sha256:${'0'.repeat(64)}`
const pathOf = ({ digest }: Content): string => `/v2/owner/pullway-blobs/blobs/${digest}`

let world: World

beforeAll(async () => {
  world = await startWorld(image, other)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

test.each([
  ['a config', config],
  ['a layer', layer],
  ['one byte', oneByte],
])('HEAD of %s tells its size and moves no byte of it', async (_, blob) => {
  const { status, headers, body } = await world.ask(pathOf(blob), { method: 'HEAD' })
  expect(status).toBe(200)
  expect(headers['content-length']).toBe(String(blob.bytes.byteLength))
  expect(body.byteLength).toBe(0)
  const moved = world.hub.asked({ host: 'cdn' }).reduce((sum, { bytes }) => sum + bytes, 0)
  expect(moved).toBe(0)
  expect(world.hub.asked({ kind: 'blob', method: 'GET', host: 'cdn' })).toEqual([])
})

test('a range of a blob that is not here is a part, never the whole', async () => {
  const first = cold.bytes.byteLength - 1000
  const headers = { range: `bytes=${first}-${first + 9}` }
  const answer = await world.ask(pathOf(cold), { headers })
  expect(answer.status).toBe(206)
  expect(answer.body).toEqual(cold.bytes.subarray(first, first + 10))
  expectContent(await world.ask(pathOf(cold)), cold)
})

test.each([
  ['a config', config],
  ['a layer', layer],
  ['one byte', oneByte],
])('%s comes whole, cold and warm', async (_, blob) => {
  expectContent(await world.ask(pathOf(blob)), blob)
  expectContent(await world.ask(pathOf(blob)), blob)
})

onlyWith('streams-blobs', 'whole, part and HEAD have the exact headers', async () => {
  const shared = {
    'docker-content-digest': layer.digest,
    'docker-distribution-api-version': 'registry/2.0',
    'accept-ranges': 'bytes',
    etag: `"${layer.digest}"`,
    'content-type': 'application/octet-stream',
  }
  const whole = { ...shared, 'content-length': String(total) }
  for (const method of ['GET', 'HEAD']) {
    const { headers, links } = await world.ask(pathOf(layer), { method })
    expect(headers).toMatchObject(whole)
    expect(headers['content-range']).toBeUndefined()
    expect(links).toEqual([])
  }
  const part = await world.ask(pathOf(layer), { headers: { range: 'bytes=1-2' } })
  const contentRange = { 'content-range': `bytes 1-2/${total}`, 'content-length': '2' }
  expect(part.headers).toMatchObject({ ...shared, ...contentRange })
})

describe('ranges', () => {
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, total - 1],
    ['bytes=1000-1999', 1000, 1999],
    ['bytes=299999-', 299_999, total - 1],
    [`bytes=${total - 1}-`, total - 1, total - 1],
    ['bytes=100-99999999', 100, total - 1],
    ['bytes=-1', total - 1, total - 1],
    ['bytes=-500', total - 500, total - 1],
    ['bytes=-99999999', 0, total - 1],
  ])('%s', async (range, first, last) => {
    const { status, headers, body } = await world.ask(pathOf(layer), { headers: { range } })
    expect({ status, range: headers['content-range'] }).toEqual({
      status: 206,
      range: `bytes ${first}-${last}/${total}`,
    })
    expect(body.equals(layer.bytes.subarray(first, last + 1))).toBe(true)
  })

  // Behind a link it is the storage that reads the header.
  for (const range of ['bytes=5-2', 'pages=1-2', 'bytes=a-b', 'bytes=']) {
    onlyWith('streams-blobs', `${range} is none, and gets the whole`, async () => {
      expectContent(await world.ask(pathOf(layer), { headers: { range } }), layer)
    })
  }

  test.each([`bytes=${total}-`, 'bytes=99999999-', 'bytes=-0'])(
    '%s cannot be satisfied',
    async (range) => {
      const answer = await world.ask(pathOf(layer), { headers: { range } })
      expect(answer.status).toBe(416)
      expect(answer.headers['content-range']).toBe(`bytes */${total}`)
      if (answer.links.length === 0) expectError(answer, { status: 416, code: 'RANGE_INVALID' })
    },
  )

  onlyWith('streams-blobs', 'If-Range with its tag gets the part', async () => {
    const headers = { range: 'bytes=0-9', 'if-range': `"${layer.digest}"` }
    const { status, body } = await world.ask(pathOf(layer), { headers })
    expect({ status, size: body.byteLength }).toEqual({ status: 206, size: 10 })
  })

  test('If-Range with another tag gets the whole', async () => {
    const headers = { range: 'bytes=0-9', 'if-range': `"${nobody}"` }
    expectContent(await world.ask(pathOf(layer), { headers }), layer)
  })
})

test('a blob is not sent again to whoever has it', async () => {
  const headers = { 'if-none-match': `"${layer.digest}"` }
  const { status, body } = await world.ask(pathOf(layer), { headers })
  expect({ status, size: body.byteLength }).toEqual({ status: 304, size: 0 })
  const changed = { 'if-none-match': `"${nobody}"` }
  expectContent(await world.ask(pathOf(layer), { headers: changed }), layer)
})

test('an unknown blob', async () => {
  const path = `/v2/owner/pullway-blobs/blobs/${nobody}`
  expectError(await world.ask(path), { status: 404, code: 'BLOB_UNKNOWN' })
  expect((await world.ask(path, { method: 'HEAD' })).status).toBe(404)
})

test('a blob that is here is not given for a repository that does not hold it', async () => {
  expectContent(await world.ask(pathOf(layer)), layer)
  const path = `/v2/owner/pullway-other/blobs/${layer.digest}`
  expectError(await world.ask(path), { status: 404, code: 'BLOB_UNKNOWN' })
})
