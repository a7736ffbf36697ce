import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeImage } from '../clients/upstream/images.ts'
import { expectError } from './expect.ts'
import type { Scripted } from './stage.ts'
import { startWorld, type World } from './world.ts'

const tags = ['1.0', '1.1', 'latest']
const images = tags.map((tag) => makeImage(`owner/pullway-tags:${tag}`, [1000]))

let world: World

beforeAll(async () => {
  world = await startWorld(...images)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

async function listTags(path: string): Promise<{ tags: readonly string[]; next?: string }> {
  const { status, headers, body } = await world.ask(path)
  expect(status).toBe(200)
  expect(headers['content-type']).toMatch(/^application\/json/)
  const link = headers['link']
  const next = /^<([^>]+)>; rel="next"$/.exec(String(link))?.[1]
  const list = JSON.parse(body.toString()) as { readonly tags: readonly string[] }
  return { tags: list.tags, ...(next !== undefined && { next }) }
}

describe('tags', () => {
  test('are what the upstream has', async () => {
    const listed = await listTags('/v2/owner/pullway-tags/tags/list')
    expect(listed.tags.toSorted()).toEqual(tags)
    expect(listed.next).toBeUndefined()
  })

  test.each(['/v2/owner/pullway-tags', '/v2/hub/owner/pullway-tags', '/hub/v2/owner/pullway-tags'])(
    'come page by page through links to %s',
    async (root) => {
      world.stage.play(({ kind, path }) => (kind === 'tags' ? toPage(path) : 'pass'))
      const seen: string[] = []
      let next: string | undefined = `${root}/tags/list?n=1`
      while (next !== undefined && seen.length < tags.length) {
        const path: string = next
        expect(path.startsWith(`${root}/tags/list?`)).toBe(true)
        const page = await listTags(path)
        seen.push(...page.tags)
        next = page.next
      }
      expect(seen).toEqual(tags)
      expect(next).toBeUndefined()
    },
  )

  test('of an unknown repository', async () => {
    const answer = await world.ask('/v2/owner/pullway-none/tags/list')
    expectError(answer, { status: 404, code: 'NAME_UNKNOWN' })
  })
})

/** As registries with paging answer: the installed one sends everything at once (registries.md, 0.11). */
function toPage(path: string): Scripted {
  const query = new URL(path, 'http://registry').searchParams
  const position = tags.indexOf(query.get('last') ?? '') + 1
  const tag = tags[position]
  const next = `</v2/owner/pullway-tags/tags/list?n=1&last=${tag}>; rel="next"`
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      ...(position < tags.length - 1 && { link: next }),
    },
    body: JSON.stringify({ name: 'owner/pullway-tags', tags: [tag] }),
  }
}

test('referrers of an image that has none are an empty index', async () => {
  const { status, headers, body } = await world.ask(
    `/v2/owner/pullway-tags/referrers/${images[0]!.digest}`,
  )
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('application/vnd.oci.image.index.v1+json')
  expect(JSON.parse(body.toString())).toMatchObject({ schemaVersion: 2, manifests: [] })
})

test.each([
  ['q=library%2Fnginx&n=5&page=2', { q: 'nginx', n: '5', page: '2' }],
  ['q=owner%2Fimage', { q: 'owner/image' }],
])('search for %s', async (query, wanted) => {
  const result = JSON.stringify({ num_results: 1, results: [{ name: 'nginx' }] })
  const headers = { 'content-type': 'application/json' }
  world.stage.play(() => ({ status: 200, headers, body: result }))
  const { status, body } = await world.ask(`/v1/search?${query}`)
  expect({ status, text: body.toString() }).toEqual({ status: 200, text: result })
  const [asked] = world.stage.asked()
  const url = new URL(asked!.path, 'http://registry')
  expect(url.pathname).toBe('/v1/search')
  expect(Object.fromEntries(url.searchParams)).toEqual(wanted)
})

test('there is no catalog', async () => {
  expectError(await world.ask('/v2/_catalog'), { status: 404, code: 'UNSUPPORTED' })
  expect(world.stage.asked()).toEqual([])
})

test.each([
  ['POST', '/v2/owner/pullway-tags/blobs/uploads/'],
  ['PUT', '/v2/owner/pullway-tags/manifests/1.0'],
  ['PATCH', '/v2/owner/pullway-tags/blobs/uploads/1'],
  ['DELETE', '/v2/owner/pullway-tags/manifests/1.0'],
])('%s %s is refused: this is no place to push to', async (method, path) => {
  expectError(await world.ask(path, { method }), { status: 405, code: 'UNSUPPORTED' })
  expect(world.stage.asked()).toEqual([])
})
