import { expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import {
  answers,
  buildImage,
  createFakeRegistry,
  type FakeRegistry,
} from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

function settle(): [FakeRegistry, TestMirror] {
  const fake = createFakeRegistry(dockerHub)
  for (const name of ['library/nginx', 'bitnami/nginx', 'library/redis']) {
    fake.push(name, 'latest', buildImage())
  }
  return [fake, createTestMirror({ fetch: fake.fetch })]
}

const rows = [
  ['q=nginx&n=25', 'nginx', ['bitnami/nginx', 'nginx']],
  ['q=library%2Fnginx&n=25', 'nginx', ['bitnami/nginx', 'nginx']],
  ['q=library/redis', 'redis', ['redis']],
  ['q=nginx&n=1&page=2', 'nginx', ['nginx']],
  ['q=bitnami/nginx', 'bitnami/nginx', ['bitnami/nginx']],
  ['q=a%26b%3Dc%23d', 'a&b=c#d', []],
] as const

test.each(rows)('/v1/search?%s', async (query, asked, names) => {
  const [fake, mirror] = settle()
  const answer = await mirror.get(`/v1/search?${query}`, {
    'x-docker-token': 'true',
    cookie: 'a=b',
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  const { results } = JSON.parse(answer.text) as { results: { name: string }[] }
  expect(results.map(({ name }) => name)).toEqual(names)
  expect(fake.calls).toHaveLength(1)
  const { headers, url, network } = fake.calls[0]!
  expect(url.host).toBe('index.docker.io')
  expect(url.searchParams.get('q')).toBe(asked)
  for (const name of ['n', 'page']) {
    expect(url.searchParams.get(name)).toBe(new URLSearchParams(query).get(name))
  }
  expect(headers.get('user-agent')).toMatch(/^pullway\/\d/)
  expect(headers.get('accept-encoding')).toBe('identity')
  expect(headers.get('cookie')).toBeNull()
  expect(network).toBe('any')
})

const troubles = [
  ['500', answers.serverError, 503],
  ['429 in words', answers.tooManyRequestsText, 429],
  ['429 in JSON', answers.tooManyRequests, 429],
  ['a page', answers.blockPage, 503],
] as const

test.each(troubles)('the search answers %s', async (_, answer, status) => {
  const [fake, mirror] = settle()
  fake.fail({ kind: 'search' }, { kind: 'answer', answer })
  const answered = await mirror.get('/v1/search?q=nginx')
  expect(answered.status).toBe(status)
  expect(answered.code).toBeDefined()
})
