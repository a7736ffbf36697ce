import { describe, expect, test } from 'vitest'
import { type ConsoleLogger, createConsoleLogger } from '../../adapters/node/src/logger.ts'
import { createFakeClock, type FakeClock } from '../fakes/clock.ts'
import { describeLogger } from './logger.ts'

type Level = Parameters<typeof createConsoleLogger>[0]['level']
type Format = Parameters<typeof createConsoleLogger>[0]['format']

interface Console {
  readonly logger: ConsoleLogger
  readonly clock: FakeClock
  readonly writes: readonly { readonly target: string; readonly text: string }[]
}

function makeConsole(format: Format = 'main', level: Level = 'info'): Console {
  const clock = createFakeClock()
  const writes: { target: string; text: string }[] = []
  const logger = createConsoleLogger({
    format,
    level,
    clock,
    write: async (target, text) => void writes.push({ target, text }),
  })
  return { logger, clock, writes }
}

function linesOf({ writes }: Console, target: string): string[] {
  const text = writes.map((write) => (write.target === target ? write.text : '')).join('')
  return text.split('\n').slice(0, -1)
}

for (const format of ['main', 'json'] as const) {
  describeLogger(`the console (${format})`, () => {
    const made = makeConsole(format)
    return {
      logger: made.logger,
      lines: async () => {
        await made.logger.flush()
        return { log: linesOf(made, 'stderr'), access: linesOf(made, 'stdout') }
      },
    }
  })
}

describe('a line', () => {
  test('for people', async () => {
    const made = makeConsole('main')
    made.logger.warn('Cannot write', { code: 'ENOSPC', path: '/a b', quoted: 'say "x"', empty: '' })
    await made.logger.flush()
    expect(linesOf(made, 'stderr')).toEqual([
      '2026-11-21T00:00:00.000Z warn Cannot write code=ENOSPC path="/a b" quoted="say \\"x\\"" empty=""',
    ])
  })

  test('for machines', async () => {
    const made = makeConsole('json')
    made.logger.error('Broken', {
      status: 502,
      isStale: false,
      text: 'a\nb\u202e',
      level: 'forged',
    })
    await made.logger.flush()
    const [line = ''] = linesOf(made, 'stderr')
    expect(JSON.parse(line)).toEqual({
      time: '2026-11-21T00:00:00.000Z',
      level: 'error',
      message: 'Broken',
      status: 502,
      isStale: false,
      text: 'a\nb\u202e',
    })
  })
})

test.each([
  { level: 'info', written: ['info', 'warn', 'error'] },
  { level: 'warn', written: ['warn', 'error'] },
  { level: 'error', written: ['error'] },
] as const)(
  'the level $level writes $written, and every access line',
  async ({ level, written }) => {
    const made = makeConsole('main', level)
    for (const each of ['info', 'warn', 'error'] as const) made.logger[each]('message')
    made.logger.access('request')
    await made.logger.flush()
    expect(linesOf(made, 'stderr').map((line) => line.split(' ')[1])).toEqual(written)
    expect(linesOf(made, 'stdout')).toEqual(['request'])
  },
)

describe('lines are gathered', () => {
  test('for 100 ms, into one write', async () => {
    const { logger, clock, writes } = makeConsole()
    for (let count = 0; count < 100; count += 1) logger.access(`request ${count}`)
    await clock.advance(99)
    expect(writes).toHaveLength(0)
    await clock.advance(1)
    expect(writes).toHaveLength(1)
    expect(writes[0]?.text.split('\n')).toHaveLength(101)
    await clock.advance(10_000)
    expect(writes).toHaveLength(1)
    logger.access('later')
    await clock.advance(100)
    expect(writes).toHaveLength(2)
    expect(clock.sleepers).toBe(0)
  })

  test('until there are 64 KiB', async () => {
    const { logger, clock, writes } = makeConsole()
    const line = 'x'.repeat(1023)
    for (let count = 0; count < 63; count += 1) logger.access(line)
    expect(writes).toHaveLength(0)
    logger.access(line)
    expect(writes.map(({ text }) => text.length)).toEqual([64 * 1024])
    await clock.advance(100)
    expect(writes).toHaveLength(1)
  })

  test('until they are flushed, which waits for writes that are slow', async () => {
    const written: string[] = []
    let proceed: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (proceed = resolve))
    const logger = createConsoleLogger({
      format: 'main',
      level: 'info',
      clock: createFakeClock(),
      write: async (_target, text) => {
        await gate
        written.push(text)
      },
    })
    logger.access('request')
    let isFlushed = false
    const flushing = logger.flush().then(() => (isFlushed = true))
    await Promise.resolve()
    expect(isFlushed).toBe(false)
    proceed()
    await flushing
    expect(written).toEqual(['request\n'])
  })
})
