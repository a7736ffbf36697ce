import { join } from 'node:path'
import { createMemoryKeyValue } from '@pullway/memory'
import { describe, expect, test } from 'vitest'
import { createGuesses } from '../../core/src/access/guesses.ts'
import { createStreamLimit } from '../../core/src/access/stream-limit.ts'
import { createReadiness } from '../../adapters/node/src/readiness.ts'
import { createFakeClock, type FakeClock } from '../fakes/clock.ts'
import { basic, bearer, createLoginWorld } from '../fakes/login-world.ts'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

/** The machine's clock is set by an hour, a day, a year: nothing hangs, nothing is believed for so long. */

const hourMs = 3_600_000
const jumps = [
  ['an hour forward', hourMs],
  ['a year forward', 365 * 24 * hourMs],
  ['an hour back', -hourMs],
  ['a year back', -365 * 24 * hourMs],
] as const

/** Sleeps go on as they are: timers do not count by the time of day. */
function createJumpyClock(): FakeClock & { jump(milliseconds: number): void } {
  const clock = createFakeClock()
  let offset = 0
  return {
    now: () => clock.now() + offset,
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
    advance: (milliseconds) => clock.advance(milliseconds),
    get sleepers() {
      return clock.sleepers
    },
    jump: (milliseconds) => void (offset += milliseconds),
  }
}

const image = buildImage({ seed: 73 })
const path = '/v2/library/app/manifests/latest'

function settle(): {
  clock: ReturnType<typeof createJumpyClock>
  registry: FakeRegistry
  mirror: TestMirror
} {
  const clock = createJumpyClock()
  const registry = createFakeRegistry(dockerHub, { clock })
  registry.push('library/app', 'latest', image)
  return { clock, registry, mirror: createTestMirror({ fetch: registry.fetch, clock }) }
}

describe.each(jumps)('%s', (_, jumpMs) => {
  test('a tag is asked for again, and pulls', async () => {
    const { clock, registry, mirror } = settle()
    expect((await mirror.get(path)).status).toBe(200)
    await mirror.settle()
    clock.jump(jumpMs)
    registry.takeLines()
    expect((await mirror.drive(mirror.get(path))).status).toBe(200)
    expect(registry.takeLines().join('\n')).toContain('/manifests/latest')
    for (const { digest } of image.blobs) {
      const { status } = await mirror.drive(mirror.get(`/v2/library/app/blobs/${digest}`))
      expect(status).toBe(200)
    }
  })

  test('what was not there is asked for again, and what was in trouble, too', async () => {
    const { clock, registry, mirror } = settle()
    const other = '/v2/library/app/manifests/new'
    expect((await mirror.get(other)).status).toBe(404)
    const fault = registry.fail({}, { kind: 'no-answer', failure: 'unreachable' })
    expect((await mirror.drive(mirror.get(path))).status).toBe(503)
    fault.lift()
    registry.push('library/app', 'new', image)
    clock.jump(jumpMs)
    expect((await mirror.drive(mirror.get(other))).status).toBe(200)
    expect((await mirror.drive(mirror.get(path))).status).toBe(200)
  })

  test('a client that logs in again pulls again, and a wrong password locks nobody out', async () => {
    const clock = createJumpyClock()
    const world = createLoginWorld({ clock })
    const login = (): ReturnType<typeof world.token> =>
      world.drive(world.token('?scope=repository:library/nginx:pull', 'alice:alice-password'))
    expect((await world.drive(world.pull(bearer(await login())))).status).toBe(200)
    expect((await world.drive(world.token('', 'alice:wrong'))).status).toBe(401)
    clock.jump(jumpMs)
    expect((await world.drive(world.pull(bearer(await login())))).status).toBe(200)
    expect((await world.pull({ authorization: basic('alice:alice-password') })).status).toBe(200)
  })

  test('a key of the memory lives no longer than it should, but for a minute', async () => {
    const clock = createJumpyClock()
    const memory = createMemoryKeyValue({ clock })
    await memory.set('one', 'value', 10)
    clock.jump(jumpMs)
    expect(await memory.get('one')).toBeUndefined()
  })

  test('guesses are neither forgotten for good nor counted for ever', async () => {
    const clock = createJumpyClock()
    const guesses = createGuesses(clock)
    for (let guess = 0; guess < 5; guess += 1) guesses.begin('192.0.2.1')
    clock.jump(jumpMs)
    expect(guesses.isBlocked('192.0.2.1')).toBe(false)
    for (let guess = 0; guess < 10; guess += 1) {
      if (!guesses.isBlocked('192.0.2.1')) guesses.begin('192.0.2.1')
    }
    expect(guesses.isBlocked('192.0.2.1')).toBe(true)
    await clock.advance(10 * 60_000)
    expect(guesses.isBlocked('192.0.2.1')).toBe(false)
  })

  test('a client that waits for a place gets it, or its answer', async () => {
    const clock = createJumpyClock()
    const open = createStreamLimit(1, clock)
    await open('a')
    let ended = 'waits'
    void open('a').then(
      () => (ended = 'open'),
      () => (ended = 'refused'),
    )
    await clock.advance(100)
    clock.jump(jumpMs)
    await clock.advance(6_000)
    expect(ended).not.toBe('waits')
  })

  test('readiness looks again', async () => {
    const clock = createJumpyClock()
    const folder = join(import.meta.filename, 'cache')
    const isReady = createReadiness({ folder, clock, isStopping: () => false })
    const first = await isReady()
    expect(first).toHaveLength(1)
    clock.jump(jumpMs)
    expect(await isReady()).not.toBe(first)
  })
})

test('a step of a second back forgets nothing', async () => {
  const clock = createJumpyClock()
  const memory = createMemoryKeyValue({ clock })
  await memory.set('one', 'value', 10)
  clock.jump(-1_000)
  expect(await memory.get('one')).toBe('value')
})
