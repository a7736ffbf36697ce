import type { Clock } from '@pullway/core'
import { describe, expect, test } from 'vitest'

export interface ClockUnderTest {
  readonly clock: Clock
  /** Lets that much of the clock's time pass. */
  readonly pass: (milliseconds: number) => Promise<void>
}

/** What every Clock does. */
export function describeClock(name: string, make: () => ClockUnderTest): void {
  describe(`${name} as a Clock`, () => {
    test('tells epoch milliseconds, which go on', async () => {
      const { clock, pass } = make()
      const before = clock.now()
      expect(before).toBeGreaterThan(Date.UTC(2020))
      await pass(20)
      expect(clock.now() - before).toBeGreaterThanOrEqual(19)
    })

    test('sleeps as long as it was told', async () => {
      const { clock, pass } = make()
      const before = clock.now()
      let woken = 0
      const sleeping = clock.sleep(30).then(() => (woken = clock.now()))
      await pass(40)
      await sleeping
      expect(woken - before).toBeGreaterThanOrEqual(29)
    })

    test('wakes sleepers in their order', async () => {
      const { clock, pass } = make()
      const order: number[] = []
      const sleeps = [60, 5, 30].map((time) => clock.sleep(time).then(() => order.push(time)))
      await pass(80)
      await Promise.all(sleeps)
      expect(order).toEqual([5, 30, 60])
    })

    test.each([0, -1, -1e9])('does not sleep for %d ms', async (milliseconds) => {
      const { clock, pass } = make()
      const sleeping = clock.sleep(milliseconds)
      await pass(1)
      await sleeping
    })

    // Beyond 2^31 - 1 the timers of JavaScript fire at once.
    test.each([60_000, 2 ** 31 + 5, 2 ** 40])('sleeps %d ms until it is aborted', async (time) => {
      const { clock, pass } = make()
      const controller = new AbortController()
      let isAwake = false
      const sleeping = clock.sleep(time, controller.signal).then(() => (isAwake = true))
      await pass(20)
      expect(isAwake).toBe(false)
      controller.abort(new Error('a reason that must not reject'))
      await sleeping
      expect(isAwake).toBe(true)
    })

    test('does not sleep where the abort came before', async () => {
      const { clock } = make()
      await clock.sleep(60_000, AbortSignal.abort())
    })

    test('leaves nothing at a signal that outlives the sleep', async () => {
      const { clock, pass } = make()
      const { signal } = new AbortController()
      let listeners = 0
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...parameters: Parameters<typeof add>) => {
        listeners += 1
        add(...parameters)
      }
      signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
        listeners -= 1
        remove(...parameters)
      }
      const sleeping = clock.sleep(1, signal)
      expect(listeners).toBe(1)
      await pass(2)
      await sleeping
      expect(listeners).toBe(0)
    })
  })
}
