import { expect, test } from 'vitest'
import type { Answer } from '../../core/src/answer.ts'
import { respond } from '../../core/src/respond.ts'
import { makeBytes } from '../contract/content.ts'
import { createControlledBody } from './support/controlled-body.ts'
import { turn } from './support/turns.ts'

const bytes = makeBytes(10)

function answer(given: Partial<Answer> = {}): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'content-length': '10' },
    body: bytes,
    outcome: 'hit',
    ...given,
  }
}

test('an answer becomes a Response with all its headers', async () => {
  const response = respond(answer(), 'GET')
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toEqual({
    'content-type': 'application/octet-stream',
    'content-length': '10',
    'docker-distribution-api-version': 'registry/2.0',
    'cache-status': 'pullway; hit',
    'x-content-type-options': 'nosniff',
  })
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
})

test.each([
  ['stale-rate-limited', '299 - "pullway served a stored copy: the upstream is rate limited"'],
  ['stale-server-error', '299 - "pullway served a stored copy: the upstream is server error"'],
  ['hit', null],
  ['revalidated', null],
] as const)('%s warns with %s', (outcome, warning) => {
  expect(respond(answer({ outcome }), 'GET').headers.get('warning')).toBe(warning)
})

test.each([
  ['HEAD', 200],
  ['GET', 304],
  ['HEAD', 304],
] as const)(
  '%s with %i has no body, and lets go of what it would have been',
  async (method, status) => {
    const body = createControlledBody()
    const response = respond(answer({ status, body: body.stream }), method)
    expect(response.body).toBeNull()
    expect(response.headers.get('content-length')).toBe('10')
    await turn()
    expect(body.isCancelled).toBe(true)
  },
)

test('a stream stays a stream', async () => {
  const body = createControlledBody()
  const response = respond(answer({ body: body.stream }), 'GET')
  body.push(bytes.subarray(0, 4))
  const reader = response.body!.getReader()
  expect((await reader.read()).value).toEqual(bytes.subarray(0, 4))
  await reader.cancel()
  expect(body.isCancelled).toBe(true)
})
