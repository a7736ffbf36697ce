import { expect, test } from 'vitest'
import { lengthOfRest } from '../../../core/src/upstream/rest.ts'
import { UpstreamTrouble } from '../../../core/src/upstream/trouble.ts'

test.each([
  [undefined, 1, 0, 3_750, false],
  [undefined, 1, 0.5, 5_000, false],
  [undefined, 1, 1, 6_250, false],
  [undefined, 3, 0.5, 20_000, false],
  [undefined, 6, 0.5, 120_000, false],
  [undefined, 1_000_000, 1, 150_000, false],
  [30, 1, 0, 30_000, true],
  [30, 9, 1, 30_000, true],
  [0, 1, 1, 0, true],
  [999_999_999, 1, 1, 21_600_000, true],
])('a wait of %s s, failure %i in a row, at %f', (wait, streak, random, milliseconds, isStated) => {
  const trouble = new UpstreamTrouble('x', 'timeout', 'late', { retryAfterSeconds: wait })
  expect(lengthOfRest(trouble, streak, random)).toEqual({ milliseconds, isStated })
})
