import { describe, expect, test } from 'vitest'
import { FetchError } from '@pullway/core'
import { RegistryError } from '../../../core/src/errors.ts'
import { drive } from '../../fakes/mirror.ts'
import { rejectionOf } from '../support/caught.ts'
import {
  content,
  createFailoverWorld,
  failWith,
  questions,
  troubles,
} from '../support/failover-world.ts'
import { hang, redirectTo, unauthorized } from '../support/scripted-fetch.ts'

const notFound = () => new Response('', { status: 404 })
const broken = () => new Response('', { status: 500 })
const limited = (seconds: number) => () =>
  new Response('', { status: 429, headers: { 'retry-after': String(seconds) } })
const upOf = (name: string, value: number): string =>
  `pullway_upstream_endpoint_up{upstream="registry.example.com",endpoint="${name}.test"} ${value}\n`
const failovers = (reason: string, count: number): string =>
  `pullway_failovers_total{upstream="registry.example.com",reason="${reason}"} ${count}\n`

describe.each(Object.entries(troubles))('%s', (_, [reason, trouble]) => {
  test.each(Object.entries(questions))('%s is answered by the next endpoint', async (__, asked) => {
    const { clock, behave, ask, takeAsked, metrics, upstream } = createFailoverWorld('ab')
    behave('a', trouble)
    const startedAt = clock.now()
    const text = await drive(clock, ask(asked))
    expect(text).toBe('content of b.test')
    expect(clock.now() - startedAt).toBeLessThan(14_000)
    const order = takeAsked()
    expect(order[0]).toBe('a')
    expect(order.at(-1)).toBe('b')
    expect(metrics.render()).toContain(failovers(reason, 1))
    expect(metrics.render()).toContain(upOf('a', 0))
    expect(metrics.render()).toContain(upOf('b', 1))
    expect(upstream.isTroubled()).toBe(false)
    // Moments later, what failed is not asked at all.
    expect(await ask({ ...asked, repository: 'other' })).toBe('content of b.test')
    expect(takeAsked()).toEqual(['b'])
  })

  test('of all endpoints is the answer, in time', async () => {
    const { clock, behave, ask, takeAsked } = createFailoverWorld('abc')
    for (const name of 'abc') behave(name, trouble)
    const startedAt = clock.now()
    expect(await drive(clock, rejectionOf(ask()))).toMatchObject({
      name: 'UpstreamTrouble',
      reason,
    })
    expect(clock.now() - startedAt).toBeLessThanOrEqual(14_050)
    expect(new Set(takeAsked())).toEqual(new Set(['a', 'b', 'c']))
  })
})

describe('what this mirror lacks', () => {
  test.each(Object.entries(questions))('%s: is held against no endpoint', async (_, asked) => {
    const { clock, behave, ask, takeAsked, metrics, logger } = createFailoverWorld('ab')
    behave('a', failWith('exhausted'))
    expect(await ask(asked)).toBe('content of b.test')
    expect(metrics.render()).toContain(failovers('unreachable', 1))
    expect(metrics.render()).toContain(upOf('a', 1))
    behave('b', failWith('exhausted'))
    const trouble = { reason: 'unreachable', isOurs: true, message: 'as scripted: exhausted' }
    for (let count = 0; count < 3; count += 1)
      expect(await rejectionOf(ask({ ...asked, repository: 'other' }))).toMatchObject(trouble)
    behave('a', content)
    takeAsked()
    expect(await ask({ ...asked, repository: 'other' })).toBe('content of a.test')
    expect(takeAsked()).toEqual(['a'])

    // Nothing else in the log would say why clients were refused; once is enough.
    const message = 'this mirror lacks files, ports or memory to ask upstreams'
    expect(logger.entries).toMatchObject([{ level: 'warn', message }])
    await clock.advance(60_000)
    behave('a', failWith('exhausted'))
    await rejectionOf(ask())
    expect(logger.entries).toMatchObject([{ message }, { message }])
  })
})

describe('an only endpoint', () => {
  const reset = (): Promise<Response> => Promise.reject(new FetchError('unreachable', 'reset'))

  test('whose connection breaks is asked once more', async () => {
    const { behave, ask, takeAsked, metrics, upstream } = createFailoverWorld('a')
    const behaviours = [reset, content]
    behave('a', (call) => behaviours.shift()!(call))
    expect(await ask()).toBe('content of a.test')
    expect(takeAsked()).toEqual(['a', 'a'])
    expect(metrics.render()).toContain(upOf('a', 1))
    expect(upstream.isTroubled()).toBe(false)
  })

  test.each([
    ['break', reset, 2, 'unreachable'],
    ['broken', broken, 1, 'server-error'],
    ['not to blame', failWith('exhausted'), 1, 'unreachable'],
    ['silent', hang, 1, 'timeout'],
    ['limited', limited(1), 1, 'rate-limited'],
    ['redirect to nowhere', () => redirectTo('ftp://x.test/'), 1, 'unreachable'],
  ] as const)('that is (%s) is not asked for ever', async (_, how, times, reason) => {
    const { clock, behave, ask, takeAsked } = createFailoverWorld('a')
    behave('a', how)
    expect(await drive(clock, rejectionOf(ask()))).toMatchObject({ reason })
    expect(takeAsked()).toHaveLength(times)
  })
})

describe('three endpoints', () => {
  test('are asked in their order, until one answers', async () => {
    const { behave, ask, takeAsked, metrics } = createFailoverWorld('abc')
    behave('a', broken)
    behave('b', limited(60))
    expect(await ask()).toBe('content of c.test')
    expect(takeAsked()).toEqual(['a', 'b', 'c'])
    expect(metrics.render()).toContain(failovers('server-error', 1))
    expect(metrics.render()).toContain(failovers('rate-limited', 1))
  })

  test('that hang leave time for one another', async () => {
    const { clock, behave, ask } = createFailoverWorld('abc')
    behave('a', hang)
    behave('b', hang)
    expect(await drive(clock, ask())).toBe('content of c.test')
  })
})

describe('a question that comes with little time', () => {
  test('is not held against who does not answer it in that', async () => {
    const { clock, behave, ask, metrics, deadline } = createFailoverWorld('ab')
    behave('a', hang)
    const late = ask({ deadline: deadline() - 11_000 })
    expect(await drive(clock, late)).toBe('content of b.test')
    expect(metrics.render()).toContain(upOf('a', 1))
  })

  test('is, where the answer is trouble', async () => {
    const { behave, ask, metrics, deadline } = createFailoverWorld('ab')
    behave('a', broken)
    expect(await ask({ deadline: deadline() - 11_000 })).toBe('content of b.test')
    expect(metrics.render()).toContain(upOf('a', 0))
  })
})

describe('a no', () => {
  test.each([
    ['404', notFound, 'MANIFEST_UNKNOWN'],
    ['401', () => unauthorized(), 'DENIED'],
    ['403', () => new Response('', { status: 403 }), 'DENIED'],
  ])('of the first endpoint is the last word: %s', async (_, no, code) => {
    const { behave, ask, takeAsked, metrics } = createFailoverWorld('ab')
    behave('a', no)
    expect(await rejectionOf(ask())).toMatchObject({ code })
    expect(takeAsked()).toEqual(['a'])
    expect(metrics.render()).toContain(upOf('a', 1))
  })

  const elsewhere = { failoverOn: new Set(['not-found'] as const) }

  test('goes on where that is configured, and nobody rests for it', async () => {
    const { behave, ask, takeAsked, metrics } = createFailoverWorld('ab', elsewhere)
    behave('a', notFound)
    expect(await ask()).toBe('content of b.test')
    expect(await ask({ repository: 'other' })).toBe('content of b.test')
    expect(takeAsked()).toEqual(['a', 'b', 'a', 'b'])
    expect(metrics.render()).toContain(failovers('not-found', 2))
    expect(metrics.render()).toContain(upOf('a', 1))
  })

  test('goes on there also where it is told as a denial, as Docker Hub does', async () => {
    const { behave, ask, takeAsked, metrics } = createFailoverWorld('ab', elsewhere)
    behave('a', () => new Response(null, { status: 401 }))
    expect(await ask()).toBe('content of b.test')
    expect(takeAsked()).toEqual(['a', 'b'])
    expect(metrics.render()).toContain(failovers('denied', 1))
    expect(metrics.render()).toContain(upOf('a', 1))
  })

  test('of all is remembered for each', async () => {
    const { behave, ask, takeAsked } = createFailoverWorld('ab', elsewhere)
    for (const name of 'ab') behave(name, notFound)
    for (let count = 0; count < 3; count += 1)
      expect(await rejectionOf(ask())).toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    expect(takeAsked()).toEqual(['a', 'b'])
  })

  test('is in doubt while another could not be heard', async () => {
    const { clock, behave, ask, takeAsked } = createFailoverWorld('ab', elsewhere)
    behave('a', limited(60))
    behave('b', notFound)
    expect(await rejectionOf(ask())).toMatchObject({ reason: 'rate-limited' })
    await clock.advance(10_000)
    takeAsked()
    // It has told us to wait, so it is not asked; but it may have the image.
    const error = await rejectionOf(ask())
    expect(error).toMatchObject({ reason: 'rate-limited', retryAfterSeconds: 50 })
    expect(takeAsked()).toEqual(['b'])
  })

  test('after trouble is the answer of who is well', async () => {
    const { behave, ask } = createFailoverWorld('ab')
    behave('a', broken)
    behave('b', notFound)
    expect(await rejectionOf(ask())).toBeInstanceOf(RegistryError)
  })

  test.each([
    ['fails now', 0],
    ['rests', 1],
  ])('for lack of rights says nothing where the one before it %s', async (_, before) => {
    const { behave, ask } = createFailoverWorld('ab')
    behave('a', limited(60))
    for (let count = 0; count < before; count += 1) await ask()
    behave('b', () => unauthorized())
    expect(await rejectionOf(ask({ repository: 'private' }))).toMatchObject({
      reason: 'rate-limited',
    })
  })
})

describe('an endpoint that rests', () => {
  test('is asked again when its Retry-After is over, by one request, and is back', async () => {
    const { clock, behave, ask, takeAsked, logger, metrics } = createFailoverWorld('ab')
    behave('a', limited(30))
    await ask()
    behave('a', content)
    await clock.advance(29_999)
    expect(await ask()).toBe('content of b.test')
    await clock.advance(1)
    takeAsked()
    let release = (): void => undefined
    behave('a', (call) => new Promise((resolve) => (release = () => resolve(content(call)))))
    const probe = ask()
    await clock.advance(1)
    expect(await Promise.all([ask(), ask()])).toEqual(['content of b.test', 'content of b.test'])
    expect(takeAsked()).toEqual(['a', 'b', 'b'])
    release()
    expect(await probe).toBe('content of a.test')
    behave('a', content)
    expect(await ask()).toBe('content of a.test')
    expect(metrics.render()).toContain(upOf('a', 1))
    expect(logger.entries.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('without a wait that was told rests longer each time, and not to the second', async () => {
    const { clock, behave, ask, takeAsked } = createFailoverWorld('ab')
    behave('a', broken)
    let rested = 0
    for (const seconds of [5, 10, 20, 40, 80, 120, 120]) {
      await ask()
      expect(takeAsked(), `after ${rested} s`).toEqual(['a', 'b'])
      await clock.advance(seconds * 750 - 1)
      await ask()
      expect(takeAsked()).toEqual(['b'])
      await clock.advance(seconds * 500 + 1)
      rested += seconds
    }
  })

  test('begins anew after it was well', async () => {
    const { clock, behave, ask, takeAsked } = createFailoverWorld('ab')
    for (let count = 0; count < 3; count += 1) {
      behave('a', broken)
      await ask()
      await clock.advance(6_251)
      behave('a', content)
      await ask()
      await clock.advance(60_000)
    }
    expect(takeAsked()).toEqual(['a', 'b', 'a', 'a', 'b', 'a', 'a', 'b', 'a'])
  })

  test('is the last resort, unless it has told us to wait', async () => {
    const { behave, ask, takeAsked } = createFailoverWorld('ab')
    behave('a', broken)
    await ask()
    behave('a', content)
    behave('b', broken)
    takeAsked()
    expect(await ask({ repository: 'other' })).toBe('content of a.test')
    expect(takeAsked()).toEqual(['b', 'a'])
    const told = createFailoverWorld('ab')
    told.behave('a', limited(30))
    await told.ask()
    told.behave('b', broken)
    told.takeAsked()
    expect(await rejectionOf(told.ask())).toMatchObject({ reason: 'server-error' })
    expect(told.takeAsked()).toEqual(['b'])
  })

  test('is asked all the same when all rest: the one whose time comes first', async () => {
    const { clock, behave, ask, takeAsked } = createFailoverWorld('ab')
    behave('a', limited(60))
    behave('b', limited(30))
    expect(await rejectionOf(ask())).toMatchObject({ reason: 'rate-limited' })
    await clock.advance(3_000)
    behave('a', content)
    behave('b', content)
    takeAsked()
    expect(await ask()).toBe('content of b.test')
    expect(takeAsked()).toEqual(['b'])
  })

  test('is all there is: an only endpoint is always asked', async () => {
    const { behave, ask, takeAsked } = createFailoverWorld('a')
    behave('a', broken)
    for (let count = 0; count < 4; count += 1) await rejectionOf(ask())
    behave('a', content)
    expect(await Promise.all([ask(), ask(), ask()])).toHaveLength(3)
    expect(takeAsked()).toHaveLength(7)
  })

  test('is told of once, and when it is back', async () => {
    const { clock, behave, ask, logger } = createFailoverWorld('a')
    behave('a', broken)
    for (let count = 0; count < 4; count += 1) await rejectionOf(ask())
    behave('a', content)
    await ask()
    await clock.advance(1)
    const endpoint = { upstream: 'registry.example.com', endpoint: 'a.test' }
    expect(logger.entries).toEqual([
      {
        level: 'warn',
        message: 'an endpoint fails and rests',
        fields: {
          ...endpoint,
          reason: 'server-error',
          seconds: expect.any(Number) as number,
          error: 'it answered 500',
        },
      },
      { level: 'info', message: 'an endpoint answers again', fields: endpoint },
    ])
  })
})
