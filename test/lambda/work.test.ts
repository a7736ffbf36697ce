import type { LogFields } from '@pullway/core'
import { expect, test } from 'vitest'
import { finishWithin } from '../../adapters/lambda/src/work.ts'

function createLog() {
  const lines: string[] = []
  const log = (message: string, fields: LogFields = {}): void =>
    void lines.push([message, ...Object.values(fields)].join(' '))
  return { lines, logger: { info: log, warn: log, error: log, access: log } }
}

const idleMirror = { idle: () => Promise.resolve() }

test('it waits for work that other work begins, and for the downloads', async () => {
  const { lines, logger } = createLog()
  const done: string[] = []
  const works: Promise<unknown>[] = []
  const first = Promise.resolve().then(() => {
    works.push(Promise.resolve().then(() => done.push('second')))
    done.push('first')
  })
  works.push(first)
  const idle = async (): Promise<void> => void done.push('idle')
  await finishWithin(60_000, works, { idle }, logger)
  expect(done).toEqual(['first', 'second', 'idle'])
  expect(lines).toEqual([])
})

test('a failure is logged and stops nothing', async () => {
  const { lines, logger } = createLog()
  const works = [Promise.reject(new Error('no room')), Promise.resolve()]
  await finishWithin(60_000, works, idleMirror, logger)
  expect(lines).toEqual(['Work after an answer failed Error: no room'])
})

test.each([1_000, 10, 0])('with %d ms left it does not wait', async (remainingMs) => {
  const { lines, logger } = createLog()
  await finishWithin(remainingMs, [new Promise(() => undefined)], idleMirror, logger)
  expect(lines).toEqual(['The time was over before all was in the cache'])
})
