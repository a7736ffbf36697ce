import { expect, test } from 'vitest'
import { memoryFor } from '../../../core/src/cache/fill-memory.ts'

const kibibyte = 1024

test.each([
  [0, 512, 256],
  [1, 512, 256],
  [32, 512, 256],
  [64, 256, 256],
  [128, 128, 128],
  [256, 64, 64],
  [257, 0, 63],
  [500, 0, 32],
  [100_000, 0, 32],
])(
  'of %i downloads each may hold %i KiB that wait and a tail of %i KiB',
  (count, waiting, tail) => {
    const { waitingBytes, tailBytes } = memoryFor(count)
    expect([waitingBytes, tailBytes].map((bytes) => Math.floor(bytes / kibibyte))).toEqual([
      waiting,
      tail,
    ])
  },
)
