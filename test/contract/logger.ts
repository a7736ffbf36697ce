import type { LogFields, Logger } from '@pullway/core'
import { describe, expect, test } from 'vitest'

interface Lines {
  readonly log: readonly string[]
  readonly access: readonly string[]
}

export interface LoggerUnderTest {
  readonly logger: Logger
  /** All lines so far. */
  readonly lines: () => Promise<Lines>
}

const hostile: readonly string[] = [
  'two\nlines',
  'two\r\nlines',
  '\r2026-01-01T00:00:00.000Z error forged',
  'NUL\0NUL',
  'red \u001b[31m',
  'bell \u0007 backspace \b',
  'delete \u007f next line \u0085',
  'line separator \u2028 paragraph \u2029',
  'reversed \u202e isolated \u2066',
  'zero \u200b width \ufeff',
  'tag \u{e0041}',
  'half \ud800 of a pair',
  '"quoted" and \\ and = and spaces',
]

const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\p{Cf}]/u

/** What every Logger does. Made anew for each test, for the level `info`. */
export function describeLogger(name: string, make: () => LoggerUnderTest): void {
  describe(`${name} as a Logger`, () => {
    test('writes a line for each call, in order, access apart', async () => {
      const { logger, lines } = make()
      logger.info('one')
      logger.access('first request')
      logger.warn('two')
      logger.access('second request')
      logger.error('three')
      const { log, access } = await lines()
      expect(log).toHaveLength(3)
      for (const [index, [level, message]] of [
        ['info', 'one'],
        ['warn', 'two'],
        ['error', 'three'],
      ].entries()) {
        expect(log[index]).toContain(level)
        expect(log[index]).toContain(message)
      }
      expect(access).toEqual(['first request', 'second request'])
    })

    test('writes fields by name, and none that is undefined', async () => {
      const { logger, lines } = make()
      logger.info('message', {
        upstream: 'docker.io',
        status: 429,
        isStale: true,
        nothing: undefined,
      })
      const [line] = (await lines()).log
      for (const part of ['upstream', 'docker.io', 'status', '429', 'isStale', 'true']) {
        expect(line).toContain(part)
      }
      expect(line).not.toContain('nothing')
    })

    test.each(hostile)('keeps %j on one printable line', async (text) => {
      const { logger, lines } = make()
      const fields: LogFields = { value: text, [text]: 'value' }
      logger.error('message', fields)
      logger.access(`GET ${text}`)
      logger.info('next')
      const { log, access } = await lines()
      expect(log).toHaveLength(2)
      expect(access).toHaveLength(1)
      for (const line of [...log, ...access]) expect(line).not.toMatch(unprintable)
    })

    test.each([Number.NaN, Infinity, -0, 1e300, Number.MAX_SAFE_INTEGER, '', 'x'.repeat(100_000)])(
      'takes %s',
      async (value) => {
        const { logger, lines } = make()
        logger.info('message', { value })
        expect((await lines()).log).toHaveLength(1)
      },
    )
  })
}
