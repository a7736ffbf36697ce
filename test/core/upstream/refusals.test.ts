import { expect, test } from 'vitest'
import { createMemoryKeyValue } from '@pullway/memory'
import { RegistryError } from '../../../core/src/errors.ts'
import { createRefusals } from '../../../core/src/upstream/refusals.ts'
import { UpstreamTrouble } from '../../../core/src/upstream/trouble.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { rejectionOf } from '../support/caught.ts'

function settle() {
  const clock = createFakeClock()
  return { clock, refusals: createRefusals('docker.io', createMemoryKeyValue({ clock })) }
}

test.each([
  new RegistryError('MANIFEST_UNKNOWN', 'no such tag'),
  new RegistryError('DENIED', 'private'),
  new RegistryError('NAME_INVALID', 'bad name'),
])('$code is remembered for 10 s', async (error) => {
  const { clock, refusals } = settle()
  await refusals.note('key', error)
  await refusals.check('another key')
  await clock.advance(9_999)
  const { code, message, status } = error
  expect(await rejectionOf(refusals.check('key'))).toMatchObject({ code, message, status })
  await clock.advance(1)
  await refusals.check('key')
})

test('a rate limit is remembered for 2 s, with its wait', async () => {
  const { clock, refusals } = settle()
  const limited = new UpstreamTrouble('docker.io', 'rate-limited', 'it answered 429', {
    retryAfterSeconds: 30,
  })
  await refusals.note('key', limited)
  await clock.advance(1_999)
  const error = await rejectionOf(refusals.check('key'))
  expect(error).toBeInstanceOf(UpstreamTrouble)
  expect(error).toMatchObject({
    upstream: 'docker.io',
    reason: 'rate-limited',
    message: 'it answered 429',
    retryAfterSeconds: 30,
  })
  await clock.advance(1)
  await refusals.check('key')
})

test.each([
  new UpstreamTrouble('docker.io', 'server-error', 'it answered 500'),
  new UpstreamTrouble('docker.io', 'timeout', 'late'),
  new UpstreamTrouble('docker.io', 'unreachable', 'gone'),
  new Error('of our own'),
])('$name $message is not remembered', async (error) => {
  const { refusals } = settle()
  await refusals.note('key', error)
  await refusals.check('key')
})
