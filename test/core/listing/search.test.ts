import { describe, expect, test } from 'vitest'
import type { UpstreamConfig } from '../../../core/src/config/config.ts'
import { search } from '../../../core/src/listing/search.ts'
import { rejectionOf } from '../support/caught.ts'
import type { Play } from '../support/scripted-fetch.ts'
import { createUpstreamWorld } from '../support/upstream-world.ts'

function ask(
  query: string,
  play: Play = () => new Response('{"results":[]}'),
  base = 'https://index.example.com',
  isShown: (upstream: UpstreamConfig, repository: string) => boolean = () => true,
) {
  const { upstream, deadline, script } = createUpstreamWorld(play, { search: base })
  return { answer: search({ query, upstream, deadline: deadline(), isShown }), script }
}

test.each([
  ['q=nginx', 'https://index.example.com/v1/search?q=nginx'],
  ['q=library/nginx', 'https://index.example.com/v1/search?q=nginx'],
  ['q=library%2Fnginx&n=25&page=2', 'https://index.example.com/v1/search?q=nginx&n=25&page=2'],
  ['q=owner/library/x', 'https://index.example.com/v1/search?q=owner%2Flibrary%2Fx'],
  ['n=25', 'https://index.example.com/v1/search?q=&n=25'],
  ['q=a%26b%3Dc%23d', 'https://index.example.com/v1/search?q=a%26b%3Dc%23d'],
  ['q=x&n=-1&page=1e9&secret=1', 'https://index.example.com/v1/search?q=x'],
  ['q=x&n=1234567', 'https://index.example.com/v1/search?q=x'],
  [`q=${'x'.repeat(300)}`, `https://index.example.com/v1/search?q=${'x'.repeat(256)}`],
  ['', 'https://index.example.com/v1/search?q='],
])('?%s asks for %s', async (query, url) => {
  const { answer, script } = ask(query)
  await answer
  expect(script.takeLines()).toEqual([`GET ${url}`])
})

test('a search API below a path', async () => {
  const { answer, script } = ask('q=x', undefined, 'https://art.example.com/api/docker/hub')
  await answer
  expect(script.takeLines()).toEqual(['GET https://art.example.com/api/docker/hub/v1/search?q=x'])
})

test('the result is passed on byte for byte', async () => {
  const body = '{ "num_results": 1,\n "results": [{"name": "nginx"}] }'
  const { body: bytes, ...answer } = await ask('q=x', () => new Response(body)).answer
  expect(answer).toEqual({
    status: 200,
    headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
    outcome: 'pass',
  })
  expect(new TextDecoder().decode(bytes as Uint8Array)).toBe(body)
})

describe('no result', () => {
  test.each([
    [429, '', 'rate-limited'],
    [500, '', 'server-error'],
    [403, '<html>', 'server-error'],
    [200, '<html>', 'server-error'],
    [200, '', 'server-error'],
    [200, ' '.repeat(4 * 2 ** 20 + 1), 'server-error'],
  ])('%i %s is trouble', async (status, body, reason) => {
    const { answer } = ask('q=x', () => new Response(body, { status }))
    expect(await rejectionOf(answer)).toMatchObject({ name: 'UpstreamTrouble', reason })
  })

  test('where nobody has a search', async () => {
    const { upstream, deadline } = createUpstreamWorld(() => new Response('{}'))
    for (const nobody of [upstream, undefined])
      expect(
        await rejectionOf(
          search({ query: 'q=x', upstream: nobody, deadline: deadline(), isShown: () => true }),
        ),
      ).toMatchObject({
        code: 'UNSUPPORTED',
        status: 404,
      })
  })
})

test('what the caller may not pull is left out, and the counts stay', async () => {
  const all = {
    num_results: 3,
    results: [{ name: 'nginx', star_count: 1 }, { name: 'evil/nginx' }, { name: 7 }, 'x'],
  }
  const { answer } = ask(
    'q=nginx',
    () => Response.json(all),
    undefined,
    ({ name }, repository) => `${name}/${repository}` !== 'registry.example.com/evil/nginx',
  )
  const { body, headers } = await answer
  const text = new TextDecoder().decode(body as Uint8Array)
  expect(JSON.parse(text)).toEqual({ ...all, results: [all.results[0], { name: 7 }, 'x'] })
  expect(headers['content-length']).toBe(String(text.length))
})
