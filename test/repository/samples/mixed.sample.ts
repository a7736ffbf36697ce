import { describe, expect, test } from 'vitest'

test('passes', () => {
  expect(1).toBe(1)
})

test('fails', () => {
  expect(1).toBe(2)
})

describe('in a suite', () => {
  test.skip('skipped', () => {
    expect(1).toBe(1)
  })

  test.todo('planned')
})
