import { beforeAll, describe, expect, test } from 'vitest'

test('passes', () => {
  expect(1).toBe(1)
})

describe('with a hook that fails', () => {
  beforeAll(() => {
    throw new Error('no service')
  })

  test('never runs', () => {
    expect(1).toBe(1)
  })
})
