import { describe, expect, test } from 'vitest'
import { createTestMirror, type Answered, type TestMirror } from '../fakes/mirror.ts'
import { createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import { containerd, image, situations, type Situation } from './situations.ts'

/** clients.md, section 8: the best answer for each situation. */

function settle(): [FakeRegistry, TestMirror] {
  const fake = createFakeRegistry(dockerHub)
  fake.push('library/alpine', 'latest', image)
  return [fake, createTestMirror({ fetch: fake.fetch })]
}

describe.each(situations)('$what', (situation) => {
  test.each(['get', 'head'] as const)('%s', async (method) => {
    const [fake, mirror] = settle()
    if (situation.fault !== undefined) fake.fail(...situation.fault)
    const startedAt = mirror.clock.now()
    const headers = { 'user-agent': situation.userAgent ?? containerd }
    const answer = await mirror.drive(mirror[method](situation.path, headers))
    expect(mirror.clock.now() - startedAt).toBeLessThanOrEqual(15_000)
    expectRefusal(answer, situation, method === 'head')
    if (method === 'head') return
    const head = await mirror.drive(mirror.head(situation.path, headers))
    expect(head.status).toBe(answer.status)
    expect(fake.calls.filter(({ kind }) => kind === 'stranger')).toEqual([])
  })
})

function expectRefusal(answer: Answered, situation: Situation, isHead: boolean): void {
  expect(answer.status).toBe(situation.status)
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
  expect(answer.headers.get('www-authenticate')).toBeNull()
  if (situation.retryAfter !== undefined) {
    expect(answer.headers.get('retry-after')).toBe(situation.retryAfter)
  }
  if (isHead) {
    expect(answer.bytes).toHaveLength(0)
    return
  }
  expect(answer.headers.get('content-length')).toBe(String(answer.bytes.length))
  const { errors } = JSON.parse(answer.text) as { errors: { detail?: unknown }[] }
  expect(errors).toHaveLength(1)
  expect(typeof (errors[0]!.detail ?? '')).toBe('string')
  expect(answer.code).toBe(situation.code)
  expect(answer.message).toMatch(situation.message ?? /\w/)
  // One line, one sentence: docker and podman print it as it is.
  expect(answer.message).not.toMatch(/[\n\r]/)
}
