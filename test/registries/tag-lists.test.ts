import { expect, test } from 'vitest'
import { createTestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type Settings } from '../fakes/registry/index.ts'
import { config, registries } from './registries.ts'

const image = buildImage()
const tags = ['1.0', '1.1', '1.2', '2.0', 'latest']

/** The page sizes with which a client walks; undefined: it leaves `n` away. */
const pageSizes = [undefined, 2] as const

test.each(registries.flatMap((row) => pageSizes.map((size) => ({ ...row, size }))))(
  '$what, n=$size: our Link leads through all pages',
  async ({ settings, repository, path, size }) => {
    const fake = createFakeRegistry(settings)
    for (const tag of tags) fake.push(repository, tag, image)
    const mirror = createTestMirror({ fetch: fake.fetch, config })
    const seen: string[] = []
    let next = `${path}/tags/list${size === undefined ? '' : `?n=${size}`}`
    for (let pages = 0; pages < 10 && next !== ''; pages++) {
      const answer = await mirror.get(next)
      expect(answer.status, next).toBe(200)
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
      expect(answer.headers.get('content-length')).toBe(String(answer.bytes.length))
      seen.push(...(JSON.parse(answer.text) as { tags: string[] }).tags)
      next = nextPath(answer.headers.get('link'))
      if (next !== '') expect(next.split('?')[0]).toBe(`${path}/tags/list`)
    }
    expect(seen).toEqual(tags)
    const strangers = fake.calls.filter(({ kind }) => kind === 'stranger')
    expect(strangers).toEqual([])
  },
)

const pagings: readonly { paging: NonNullable<Settings['tags']>['paging']; cursor: RegExp }[] = [
  { paging: 'last', cursor: /^last=1\.1&n=2$/ },
  { paging: 'last-n-zero', cursor: /^last=1\.1&n=0$/ },
  { paging: 'opaque', cursor: /^last=[\w-]+&n=2$/ },
  { paging: 'next-page', cursor: /^next_page=[\w-]+&n=2$/ },
]

test.each(pagings)(
  'a cursor goes back upstream as it came: $paging',
  async ({ paging, cursor }) => {
    const fake = createFakeRegistry({ tags: { paging: paging ?? 'none', pageSize: 2 } })
    for (const tag of tags) fake.push('owner/name', tag, image)
    const mirror = createTestMirror({
      fetch: fake.fetch,
      config: 'upstreams: { registry.test: {} }',
    })
    // containerd's `ns` is for us; it is neither sent on nor lost from the next page's address.
    const first = await mirror.get('/v2/owner/name/tags/list?ns=registry.test')
    const next = nextPath(first.headers.get('link'))
    const second = await mirror.get(next)
    expect(second.status).toBe(200)
    expect((JSON.parse(second.text) as { tags: string[] }).tags).toEqual(['1.2', '2.0'])
    const queries = fake.calls.filter(({ kind }) => kind === 'tags').map(({ url }) => url.search)
    expect(queries[0]).toBe('')
    expect(queries.at(-1)?.slice(1)).toMatch(cursor)
  },
)

test('a rebuilt cursor gets the registry’s own refusal', async () => {
  const fake = createFakeRegistry({ tags: { paging: 'opaque', pageSize: 2 } })
  for (const tag of tags) fake.push('owner/name', tag, image)
  const mirror = createTestMirror({ fetch: fake.fetch, config: 'upstreams: { registry.test: {} }' })
  const answer = await mirror.get('/v2/registry.test/owner/name/tags/list?last=1.1')
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect(answer.code).toBeDefined()
})

test('extra keys, null and digests among the tags harm nobody', async () => {
  const fake = createFakeRegistry({ tags: { extraKeys: true, oddEntries: true } })
  for (const tag of tags) fake.push('owner/name', tag, image)
  const mirror = createTestMirror({ fetch: fake.fetch, config: 'upstreams: { registry.test: {} }' })
  const answer = await mirror.get('/v2/registry.test/owner/name/tags/list')
  expect(answer.status).toBe(200)
  const listed = (JSON.parse(answer.text) as { tags: unknown[] }).tags
  expect(listed).toEqual(expect.arrayContaining(tags))
})

test.each(['text/html', 'application/json'])(
  'a page as %s is not a list of tags',
  async (contentType) => {
    const fake = createFakeRegistry({ access: 'open' })
    fake.push('owner/name', 'latest', image)
    const body = '<html>sign in</html>'
    fake.fail({ kind: 'tags' }, { kind: 'answer', answer: { status: 200, contentType, body } })
    const mirror = createTestMirror({
      fetch: fake.fetch,
      config: 'upstreams: { registry.test: {} }',
    })
    const answer = await mirror.get('/v2/registry.test/owner/name/tags/list')
    expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
  },
)

/** The path of a Link, which must stay at the mirror. */
function nextPath(link: string | null): string {
  const target = /^<([^>]+)>; rel="next"$/.exec(link ?? '')?.[1]
  if (target === undefined) return ''
  const url = new URL(target, 'http://mirror.test')
  expect(url.origin).toBe('http://mirror.test')
  return `${url.pathname}${url.search}`
}
