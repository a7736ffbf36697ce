import { expect, test } from 'vitest'
import { createChanges } from '../../../core/src/cache/changes.ts'
import { isPending } from '../support/turns.ts'

test('everybody who waits is woken, once', async () => {
  const changes = createChanges()
  const waiting = [changes.next(), changes.next(), changes.next()]
  expect(await isPending(waiting[0]!)).toBe(true)
  changes.announce()
  await Promise.all(waiting)
  const later = changes.next()
  expect(await isPending(later)).toBe(true)
  changes.announce()
  await later
})

test('what was announced before is no news', async () => {
  const changes = createChanges()
  changes.announce()
  changes.announce()
  expect(await isPending(changes.next())).toBe(true)
})

test('who waits again while being woken waits for the next', async () => {
  const changes = createChanges()
  let rounds = 0
  const loop = (async () => {
    for (; rounds < 3; rounds += 1) await changes.next()
  })()
  for (const expected of [1, 2, 3]) {
    changes.announce()
    await Promise.resolve()
    expect(rounds).toBe(expected)
  }
  await loop
})
