import { expect, test } from 'vitest'
import { createSingleFlight } from '../../../core/src/cache/single-flight.ts'
import { rejectionOf } from '../support/caught.ts'

function settle() {
  let joined = 0
  let started = 0
  const flight = createSingleFlight<string>()
  const ends: ((value: string | Error) => void)[] = []
  const work = (): Promise<string> => {
    started += 1
    return new Promise((resolve, reject) => {
      ends.push((value) => (value instanceof Error ? reject(value) : resolve(value)))
    })
  }
  return {
    run: (key: string) => flight.run(key, work, () => void (joined += 1)),
    ends,
    counts: () => [started, joined],
  }
}

test('who comes while it runs gets its result', async () => {
  const { run, ends, counts } = settle()
  const all = Promise.all([run('a'), run('a'), run('a')])
  ends[0]!('result')
  expect(await all).toEqual(['result', 'result', 'result'])
  expect(counts()).toEqual([1, 2])
})

test('other keys are other work', async () => {
  const { run, ends, counts } = settle()
  const all = Promise.all([run('a'), run('b')])
  ends[0]!('one')
  ends[1]!('two')
  expect(await all).toEqual(['one', 'two'])
  expect(counts()).toEqual([2, 0])
})

test('an error is everybody’s, and nobody’s after', async () => {
  const { run, ends, counts } = settle()
  const failed = [rejectionOf(run('a')), rejectionOf(run('a'))]
  const error = new Error('broken')
  ends[0]!(error)
  expect(await Promise.all(failed)).toEqual([error, error])
  const again = run('a')
  ends[1]!('better')
  expect(await again).toBe('better')
  expect(counts()).toEqual([2, 1])
})

test('a result is not kept', async () => {
  const { run, ends } = settle()
  const first = run('a')
  ends[0]!('old')
  await first
  const second = run('a')
  ends[1]!('new')
  expect(await second).toBe('new')
})
