import { describe, expect, test } from 'vitest'
import { rejectionOf } from '../support/caught.ts'
import { createFailoverWorld, questions } from '../support/failover-world.ts'
import type { Call } from '../support/scripted-fetch.ts'

const account = (username: string) => ({ username, password: `secret-of-${username}` })
const names = ['ann', 'bob', 'cy']

interface Left {
  readonly remaining?: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** One endpoint, a.test, with three accounts, and a second one without any. */
function settle(left: Record<string, Left>, config = {}) {
  const asked: string[] = []
  const world = createFailoverWorld('ab', config, (name) =>
    name === 'a'
      ? { credentials: account('ann'), accounts: [account('bob'), account('cy')] }
      : { credentials: undefined },
  )
  world.behave('a', ({ headers, method }: Call) => {
    const name = nameOf(headers.get('authorization'))
    if (name === undefined)
      return new Response('', { status: 401, headers: { 'www-authenticate': 'Basic' } })
    asked.push(`${method} ${name}`)
    const { remaining, status = 200, headers: more = {} } = left[name] ?? {}
    const quota: Record<string, string> =
      remaining === undefined
        ? {}
        : { 'ratelimit-limit': '200;w=3600', 'ratelimit-remaining': `${remaining};w=3600` }
    return new Response(`content for ${name}`, { status, headers: { ...quota, ...more } })
  })
  world.behave('b', () => {
    asked.push('b')
    return new Response('content of b.test')
  })
  return { ...world, takeAsked: () => asked.splice(0) }
}

function nameOf(authorization: string | null): string | undefined {
  return names.find((name) => authorization === `Basic ${btoa(`${name}:secret-of-${name}`)}`)
}

test('the account with most left is asked; of whom nothing is known, or who has no limit, first', async () => {
  const left: Record<string, Left> = {
    ann: { remaining: 50 },
    bob: { remaining: 70 },
    cy: { remaining: 60 },
  }
  const { ask, takeAsked } = settle(left)
  for (let count = 0; count < 5; count += 1) await ask()
  expect(takeAsked()).toEqual(['GET ann', 'GET bob', 'GET cy', 'GET bob', 'GET bob'])
  left['bob'] = { remaining: 10 }
  for (let count = 0; count < 3; count += 1) await ask()
  expect(takeAsked()).toEqual(['GET bob', 'GET cy', 'GET cy'])
  left['cy'] = {}
  await ask()
  // The last that it has told still holds, until its window ends.
  expect(takeAsked()).toEqual(['GET cy'])
})

test('each account has its own figures, by its place and without its name', async () => {
  const { ask, metrics, logger } = settle({ ann: { remaining: 50 }, bob: { remaining: 0 } })
  await ask()
  await ask()
  const labels = 'upstream="registry.example.com",endpoint="a.test"'
  const text = metrics.render()
  expect(text).toContain(`pullway_upstream_quota_remaining{${labels},account="1"} 50\n`)
  expect(text).toContain(`pullway_upstream_quota_remaining{${labels},account="2"} 0\n`)
  expect(text).toContain(`pullway_upstream_quota_limit{${labels},account="2"} 200\n`)
  expect(text + JSON.stringify(logger.entries)).not.toMatch(/ann|bob|secret/)
})

test('one that is used up gets no manifests until its window ends, but all else', async () => {
  const left: Record<string, Left> = { ann: { remaining: 0 }, bob: { remaining: 0 } }
  left['cy'] = { remaining: 0 }
  const { clock, ask, takeAsked, logger } = settle(left)
  for (let count = 0; count < 3; count += 1) await ask()
  takeAsked()
  // All three: the next endpoint is asked.
  expect(await ask()).toBe('content of b.test')
  expect(takeAsked()).toEqual(['b'])
  await ask(questions['a blob'])
  await ask(questions['a HEAD'])
  expect(takeAsked()).toEqual(['GET ann', 'HEAD ann'])
  expect(logger.entries.map(({ message }) => message)).toEqual(
    Array.from({ length: 3 }, () => 'the quota of an upstream is used up'),
  )
  await clock.advance(3_600_000)
  left['ann'] = { remaining: 200 }
  expect(await ask()).toBe('content for ann')
})

test('an answer that says more ends the wait sooner', async () => {
  const left: Record<string, Left> = Object.fromEntries(
    names.map((name) => [name, { remaining: 0 }]),
  )
  const { ask, takeAsked } = settle(left)
  for (let count = 0; count < 3; count += 1) await ask()
  left['ann'] = { remaining: 150 }
  await ask(questions['a HEAD'])
  takeAsked()
  expect(await ask()).toBe('content for ann')
})

test('a limit outweighs a denial of another account', async () => {
  const { ask } = settle({ ann: { status: 403 }, bob: { status: 429 }, cy: { status: 403 } })
  expect(await ask()).toBe('content of b.test')
})

describe('429 for one account', () => {
  const limited: Left = { status: 429, headers: { 'retry-after': '30' } }

  test('asks the next account, before the next endpoint', async () => {
    const { ask, takeAsked, metrics } = settle({ ann: limited })
    expect(await ask()).toBe('content for bob')
    expect(await ask({ repository: 'other' })).toBe('content for bob')
    expect(takeAsked()).toEqual(['GET ann', 'GET bob', 'GET bob'])
    expect(metrics.render()).toContain('endpoint="a.test"} 1\n')
  })

  test('ends when its wait is over', async () => {
    const left: Record<string, Left> = { ann: limited }
    const { clock, ask, takeAsked, logger } = settle(left)
    await ask()
    left['ann'] = {}
    expect(logger.entries).toMatchObject([
      {
        level: 'warn',
        message: 'an upstream limits its pulls',
        fields: { account: '1', seconds: 30 },
      },
    ])
    await clock.advance(29_999)
    await ask()
    await clock.advance(1)
    await ask()
    expect(takeAsked()).toEqual(['GET ann', 'GET bob', 'GET bob', 'GET ann'])
  })

  test('for all of them asks the next endpoint', async () => {
    const left = { ann: limited, bob: limited, cy: limited }
    const { ask, takeAsked, metrics } = settle(left)
    expect(await ask()).toBe('content of b.test')
    expect(takeAsked()).toEqual(['GET ann', 'GET bob', 'GET cy', 'b'])
    expect(await ask({ repository: 'other' })).toBe('content of b.test')
    expect(takeAsked()).toEqual(['b'])
    expect(metrics.render()).toContain('endpoint="a.test"} 0\n')
  })

  test('as Docker Hub sends it, with the window in a copy of the header alone, holds for that', async () => {
    const used = { 'x-ratelimit-limit': '100;w=3600', 'x-ratelimit-remaining': '0;w=3600' }
    const { clock, ask, takeAsked } = settle({
      ann: { status: 429, headers: used },
      bob: { status: 429, headers: used },
      cy: { status: 429, headers: used },
    })
    expect(await ask()).toBe('content of b.test')
    takeAsked()
    await clock.advance(3_000_000)
    expect(await ask()).toBe('content of b.test')
    expect(takeAsked()).toEqual(['b'])
  })
})

test('what one account may not see, another may', async () => {
  const { ask, takeAsked } = settle({ ann: { status: 403 }, bob: { status: 403 } })
  expect(await ask({ repository: 'private' })).toBe('content for cy')
  expect(takeAsked()).toEqual(['GET ann', 'GET bob', 'GET cy'])
  const none = settle(Object.fromEntries(names.map((name) => [name, { status: 403 }])))
  expect(await rejectionOf(none.ask())).toMatchObject({ code: 'DENIED' })
  expect(none.takeAsked()).toEqual(['GET ann', 'GET bob', 'GET cy'])
})

describe('being scarce', () => {
  test.each([
    [10, 10, false],
    [10, 9, true],
    [10, 0, true],
    [0, 0, false],
  ])('with a floor of %i and %i left: %s', async (quotaFloor, remaining, expected) => {
    const left = Object.fromEntries(names.map((name) => [name, { remaining }]))
    const { ask, upstream } = settle(left, { quotaFloor })
    expect(upstream.isScarce()).toBe(false)
    for (let count = 0; count < 3; count += 1) await ask()
    const isElsewhere = remaining === 0 && quotaFloor > 0
    expect(upstream.isScarce()).toBe(isElsewhere ? false : expected)
  })

  test('is told of when it falls below the floor, once', async () => {
    const left: Record<string, Left> = { ann: { remaining: 9 } }
    const world = createFailoverWorld('a', { quotaFloor: 10 })
    world.behave('a', () => {
      const remaining = String(left['ann']?.remaining)
      return new Response('', { headers: { 'ratelimit-remaining': `${remaining};w=3600` } })
    })
    for (const remaining of [12, 9, 8, 0, 0, 100, 5]) {
      left['ann'] = { remaining }
      await world.ask()
    }
    expect(
      world.logger.entries.map(({ message, fields }) => [message, fields['remaining']]),
    ).toEqual([
      ['the quota of an upstream is below its floor', 9],
      ['the quota of an upstream is used up', 0],
      ['the quota of an upstream is below its floor', 5],
    ])
  })
})
