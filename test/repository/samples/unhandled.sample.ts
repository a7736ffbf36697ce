import { expect, test } from 'vitest'

test('leaves a rejection behind', async () => {
  void Promise.reject(new Error('nobody waits for this'))
  await new Promise(setImmediate)
  expect(1).toBe(1)
})
