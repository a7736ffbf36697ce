import { describe, expect, test } from 'vitest'
import { listTags, nextPage } from '../../../core/src/listing/tags.ts'
import { type Pull, parseRegistryRequest } from '../../../core/src/request/parse.ts'
import { rejectionOf } from '../support/caught.ts'
import type { Play } from '../support/scripted-fetch.ts'
import { routeTo } from '../support/upstream-config.ts'
import { createUpstreamWorld } from '../support/upstream-world.ts'

function pullOf(path: string): Pull {
  const asked = parseRegistryRequest(new Request(`http://mirror.example.com${path}`))
  if (asked?.kind !== 'pull') throw new Error(`${path} is no pull`)
  return asked.pull
}

function list(play: Play, path = '/v2/ghcr.io/owner/app/tags/list') {
  const { upstream, deadline, script } = createUpstreamWorld(play)
  return { script, answer: listTags(pullOf(path), routeTo('owner/app'), upstream, deadline()) }
}

async function textOf(answer: ReturnType<typeof listTags>): Promise<string> {
  return new TextDecoder().decode((await answer).body as Uint8Array)
}

describe('a tag list', () => {
  test('is the upstream’s own, byte for byte', async () => {
    const body = '{ "name": "owner/app", "tags": ["a", null, "b"], "child": [] }\n'
    const { answer, script } = list(() => new Response(body))
    expect(await answer).toMatchObject({
      status: 200,
      outcome: 'pass',
      headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
    })
    expect(await textOf(answer)).toBe(body)
    expect((await answer).headers['link']).toBeUndefined()
    expect(script.takeLines()).toEqual(['GET https://registry.example.com/v2/owner/app/tags/list'])
    expect(script.calls[0]!.headers.get('accept')).toBe('application/json')
  })

  test('is asked for with the client’s query, but for ns', async () => {
    const { answer, script } = list(
      () => new Response('{"tags":null}'),
      '/v2/owner/app/tags/list?n=3&ns=ghcr.io&last=a%2Bb',
    )
    await answer
    expect(script.takeLines()).toEqual([
      'GET https://registry.example.com/v2/owner/app/tags/list?n=3&last=a%2Bb',
    ])
  })

  test.each(['<html></html>', '[]', 'null', '"tags"', '{"errors":[]}', '', '{"tags":'])(
    'that is none (%s) is trouble',
    async (body) => {
      const { answer } = list(() => new Response(body))
      expect(await rejectionOf(answer)).toMatchObject({
        name: 'UpstreamTrouble',
        reason: 'server-error',
      })
    },
  )

  test('that never ends is not read', async () => {
    const { answer } = list(
      () => new Response('{}', { headers: { 'content-length': String(17 * 2 ** 20) } }),
    )
    expect(await rejectionOf(answer)).toMatchObject({ reason: 'server-error' })
  })

  test.each([
    [404, 'NAME_UNKNOWN'],
    [401, 'DENIED'],
  ])('refused with %i is %s', async (status, code) => {
    const { answer } = list(() => new Response('', { status }))
    expect(await rejectionOf(answer)).toMatchObject({ code })
  })
})

describe('the next page', () => {
  test.each([
    [
      '</v2/owner/app/tags/list?last=b&n=2>; rel="next"',
      '/v2/ghcr.io/owner/app/tags/list',
      '</v2/ghcr.io/owner/app/tags/list?last=b&n=2>; rel="next"',
    ],
    [
      '<https://registry.example.com/v2/owner/app/tags/list?next_page=gAAAA%3D%3D>; rel=next',
      '/v2/owner/app/tags/list',
      '</v2/owner/app/tags/list?next_page=gAAAA%3D%3D>; rel="next"',
    ],
    [
      '<?n=0&last=b>; rel="next"',
      '/hub/v2/app/tags/list',
      '</hub/v2/app/tags/list?n=0&last=b>; rel="next"',
    ],
    [
      '</x?last=b>; title="x"; rel="next"',
      '/v2/owner/app/tags/list?ns=registry.example.com:5000',
      '</v2/owner/app/tags/list?last=b&ns=registry.example.com%3A5000>; rel="next"',
    ],
    [
      '</x?last=a>; rel="prev", </x?last=c>; rel="next"',
      '/v2/app/tags/list',
      '</v2/app/tags/list?last=c>; rel="next"',
    ],
    ['</x?last=b#part>; rel="next"', '/v2/app/tags/list', '</v2/app/tags/list?last=b>; rel="next"'],
    ['</v2/x/tags/list>; rel="next"', '/v2/app/tags/list', undefined],
    ['</x?last=b>; rel="prev"', '/v2/app/tags/list', undefined],
    ['nonsense', '/v2/app/tags/list', undefined],
    ['</x?last=b', '/v2/app/tags/list', undefined],
    [null, '/v2/app/tags/list', undefined],
  ])('%s, asked at %s, is %s', (link, path, next) => {
    expect(nextPage(link, pullOf(path))).toBe(next)
  })

  test('leads to us', async () => {
    const { answer } = list(
      () =>
        new Response('{"tags":["a"]}', {
          headers: { link: '<https://registry.example.com/v2/x/tags/list?last=a>; rel="next"' },
        }),
    )
    expect((await answer).headers['link']).toBe(
      '</v2/ghcr.io/owner/app/tags/list?last=a>; rel="next"',
    )
  })
})
