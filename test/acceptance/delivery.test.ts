import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type Content, makeImage } from '../clients/upstream/images.ts'
import { lacks } from './capabilities.ts'
import { accept, expectContent, expectError } from './expect.ts'
import type { Answer, Question } from './http.ts'
import { forced, startWorld, type World } from './world.ts'

const sizes = [100_000, 8_000_000]
const images = {
  redirect: makeImage('owner/pullway-linked:1.0', sizes),
  stream: makeImage('owner/pullway-streamed:1.0', sizes),
} as const

let world: World

beforeAll(async () => {
  world = await startWorld(...Object.values(images))
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

describe.each(['redirect', 'stream'] as const)('blobs: %s', (blobs) => {
  const image = images[blobs]
  const [small, large] = image.blobs.slice(-2) as [Content, Content]
  const root = `/v2/${forced[blobs]}/${image.repository}`
  const ask = ({ digest }: Content, question?: Question): Promise<Answer> =>
    world.ask(`${root}/blobs/${digest}`, question)
  const isByLink = ({ links }: Answer): boolean => {
    for (const link of links) expect(new URL(link).host).not.toBe(world.host)
    return links.length > 0
  }

  test('what a manifest names comes so', async () => {
    const top = await world.ask(`${root}/manifests/${image.tag}`, { headers: { accept } })
    expect(top.headers['docker-content-digest']).toBe(image.digest)
    for (const blob of [small, large]) {
      world.hub.forget()
      const answer = await ask(blob)
      expectContent(answer, blob)
      const isTooLarge = blob === large && lacks(inject('target'), 'streams-blobs')
      expect(isByLink(answer)).toBe(blobs === 'redirect' || isTooLarge)
      // The client's own request is all that the storage sees of a link.
      if (isByLink(answer)) expect(world.hub.asked({ host: 'cdn', method: 'GET' })).toHaveLength(1)
    }
  })

  test('so does a part', async () => {
    const answer = await ask(small, { headers: { range: 'bytes=5-14' } })
    expect(answer.status).toBe(206)
    expect(answer.body).toEqual(small.bytes.subarray(5, 15))
    expect(isByLink(answer)).toBe(blobs === 'redirect')
  })

  test('HEAD is answered here', async () => {
    const { status, headers, links } = await ask(large, { method: 'HEAD' })
    expect({ status, length: headers['content-length'], links }).toEqual({
      status: 200,
      length: String(large.bytes.byteLength),
      links: [],
    })
  })

  test('what is not there is an error', async () => {
    const answer = await world.ask(`${root}/blobs/sha256:${'0'.repeat(64)}`)
    expectError(answer, { status: 404, code: 'BLOB_UNKNOWN' })
    expect(answer.links).toEqual([])
  })
})
