import { inspect } from 'node:util'
import { FetchError, type FetchOptions, type KeyValue } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import {
  createRedisHttpKeyValue,
  type RedisHttpKeyValueOptions,
} from '../../adapters/redis/src/http.ts'
import { createFakeClock, type FakeClock } from '../fakes/clock.ts'
import { createFakeUpstash, type FakeUpstash } from '../fakes/upstash.ts'
import { describeKeyValue } from './key-value.ts'

const origin = 'https://state.upstash.test'
const token = 'AX8s-secret_token=='

interface Place {
  readonly store: KeyValue
  readonly upstash: FakeUpstash
  readonly clock: FakeClock
}

function make(options: Partial<RedisHttpKeyValueOptions> = {}): Place {
  const clock = createFakeClock()
  const upstash = createFakeUpstash({ clock, origin, token })
  const store = createRedisHttpKeyValue({ url: origin, token, fetch: upstash.fetch, ...options })
  return { store, upstash, clock }
}

describeKeyValue('Redis over HTTP', async () => make())

describe('the commands', () => {
  test('bear the prefix, and the life time in milliseconds', async () => {
    const { store, upstash } = make()
    await store.set('key', 'value', 1.5)
    await store.set('key', 'value', 0.000_1)
    await store.set('key', 'value', 0)
    await store.get('key')
    await store.delete('key')
    expect(upstash.commands).toEqual([
      ['SET', 'pullway:key', 'value', 'PX', '1500'],
      ['SET', 'pullway:key', 'value', 'PX', '1'],
      ['DEL', 'pullway:key'],
      ['GET', 'pullway:key'],
      ['DEL', 'pullway:key'],
    ])
  })

  test.each([
    [`${origin}/`, `${origin}/pipeline`],
    ['http://127.0.0.1:8079', 'http://127.0.0.1:8079/pipeline'],
    [`${origin}/redis/`, `${origin}/redis/pipeline`],
  ])('to %s go to %s, and may go to a private address', async (url, expected) => {
    const calls: [string, FetchOptions][] = []
    const { store } = make({
      url,
      prefix: '',
      fetch: async (request, options) => {
        calls.push([request.url, options])
        return Response.json([{ result: 'value' }])
      },
    })
    expect(await store.get('key')).toBe('value')
    expect(calls).toEqual([[expected, { network: 'any' }]])
  })
})

/** Answers that are none: a throw each, never an absence. */
const troubles: Readonly<Record<string, readonly [() => Promise<Response>, RegExp]>> = {
  'no connection': [
    () => Promise.reject(new FetchError('unreachable', 'no connection')),
    /: no connection$/,
  ],
  'a page': [async () => new Response('<html>', { status: 502 }), /status 502/],
  'a page with 200': [async () => new Response('<html>'), /status 200/],
  'nothing with 200': [async () => new Response(null), /status 200/],
  'an empty list': [async () => Response.json([]), /status 200/],
  'a reply without a result': [async () => Response.json([{}]), /status 200/],
  'a result without a list': [async () => Response.json({ result: 'value' }), /status 200/],
  'a list of nothing': [async () => Response.json([null]), /status 200/],
  'a result with 500': [
    async () => Response.json([{ result: 'value' }], { status: 500 }),
    /status 500/,
  ],
  'a redirect': [
    async () => Response.redirect('https://elsewhere.test/', 307),
    /status 307 and no reply/,
  ],
  'a limit': [
    async () => Response.json({ error: 'ERR max daily request limit exceeded' }, { status: 400 }),
    /: ERR max daily request limit exceeded$/,
  ],
  'an error of Redis': [
    async () =>
      Response.json([{ error: "OOM command not allowed when used memory > 'maxmemory'" }]),
    /: OOM command not allowed/,
  ],
  'an error that quotes': [
    async () =>
      Response.json([{ error: `ERR unknown command 'SET', with args beginning with: 'a-value'` }]),
    /: ERR unknown command 'SET'$/,
  ],
  'an error with the token': [
    async () => Response.json({ error: `ERR no such token: ${token}` }, { status: 401 }),
    /: ERR no such token: \*\*\*$/,
  ],
  'a body that breaks': [
    async () => new Response(new ReadableStream({ start: (body) => body.error(new Error('cut')) })),
    /: cut$/,
  ],
}

test.each(Object.entries(troubles))('%s is a failure', async (_, [answer, expected]) => {
  const { store, upstash } = make()
  await store.set('key', 'before', 60)
  upstash.answerWith(answer)
  for (const call of [
    () => store.get('key'),
    () => store.set('key', 'a-value', 60),
    () => store.delete('key'),
  ]) {
    const error = await failureOf(call())
    expect(error.message).toMatch(/^Redis over HTTP: /)
    expect(error.message).toMatch(expected)
    expectNoSecret(error)
  }
  upstash.answerWith(undefined)
  expect(await store.get('key')).toBe('before')
})

test('a wrong token is refused with the reason', async () => {
  const { store } = make({ token: 'another-secret-token' })
  const error = await failureOf(store.set('key', 'a-value', 60))
  expect(error.message).toBe('Redis over HTTP: WRONGPASS invalid or missing auth token')
  expectNoSecret(error)
})

const hangs: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
  'that never answers': ({ signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    ),
  'that never answers and hears no signal': () => new Promise(() => undefined),
  'that never ends its answer': async () => new Response(new ReadableStream()),
}

test.each(Object.entries(hangs))('one %s is given up', async (_, answer) => {
  const { store, upstash } = make({ timeoutMs: 100 })
  upstash.answerWith(answer)
  const error = await failureOf(store.get('key'))
  expect(error.message).toBe('Redis over HTTP: no answer in 100 ms')
})

test('one that did not answer is not waited for again for a while', async () => {
  const { store, upstash } = make({ timeoutMs: 100, restMs: 60_000 })
  upstash.answerWith(() => new Promise(() => undefined))
  await failureOf(store.get('key'))
  upstash.answerWith(undefined)
  expect((await failureOf(store.get('key'))).message).toMatch(/did not answer a moment ago$/)
  expect(upstash.commands).toEqual([])

  const other = make({ timeoutMs: 100, restMs: 0 })
  other.upstash.answerWith(() => new Promise(() => undefined))
  await failureOf(other.store.get('key'))
  other.upstash.answerWith(undefined)
  expect(await other.store.get('key')).toBeUndefined()
})

test.each([
  ['', token],
  ['state.upstash.test', token],
  ['redis://state.upstash.test', token],
  ['https://user:a-password@state.upstash.test', token],
  [`${origin}/?_token=a-password`, token],
  [origin, ''],
  [origin, 'a-password\n'],
  [origin, 'a-password\u00e9'],
])('url %j with token %j is refused without being shown', (url, wrong) => {
  try {
    make({ url, token: wrong })
    expect.fail('it was taken')
  } catch (error) {
    expect(String(error)).toMatch(/The (?:URL|token) of Redis over HTTP/)
    expectNoSecret(error)
  }
})

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => expect.fail('it worked'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

/** In all parts of the error, as a careless logger would show it. */
function expectNoSecret(error: unknown): void {
  const shown = inspect(error, { depth: 10, showHidden: true })
  for (const secret of [token, 'another-secret-token', 'a-value', 'a-password']) {
    expect(shown).not.toContain(secret)
  }
}
