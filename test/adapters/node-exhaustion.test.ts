import { expect, test } from 'vitest'
import { findExhaustion, isExhaustion } from '../../adapters/node/src/exhaustion.ts'

const failure = (code: string): Error => Object.assign(new Error(code), { code })
/** As node:net has it where it has tried several addresses. */
const failures = (...codes: readonly string[]): Error =>
  Object.assign(new AggregateError(codes.map(failure)), { code: codes[0] })

test.each([
  ['no more files', failure('EMFILE'), true],
  ['no more files on the machine', failure('ENFILE'), true],
  ['no memory', failure('ENOMEM'), true],
  ['no buffers', failure('ENOBUFS'), true],
  ['no port', failure('EADDRNOTAVAIL'), true],
  ['a refusal', failure('ECONNREFUSED'), false],
  ['a name that does not exist', failure('ENOTFOUND'), false],
  ['an error without a code', new Error('EMFILE'), false],
  ['no error', { code: 'EMFILE' }, false],
  ['nothing', undefined, false],
  ['no more files for the second address', failures('ECONNREFUSED', 'EMFILE'), true],
  ['no port for each address', failures('EADDRNOTAVAIL', 'EADDRNOTAVAIL'), true],
  ['no IPv6 here, and a refusal', failures('EADDRNOTAVAIL', 'ECONNREFUSED'), false],
  ['refusals', failures('ECONNREFUSED', 'ETIMEDOUT'), false],
  ['several addresses, and nothing of them', failures(), false],
])('%s', (_, error, expected) => {
  expect(isExhaustion(error)).toBe(expected)
})

test('with files left, a look-up has failed for another reason', async () => {
  expect(await findExhaustion()).toBeUndefined()
})
