import { expect, test } from 'vitest'
import { createTestMirror } from '../fakes/mirror.ts'

const mirror = createTestMirror({ fetch: () => expect.fail('nobody is to be asked') })

test.each([
  `/v2/${'a'.repeat(9000)}/manifests/1`,
  `/v2/a/manifests/${'1'.repeat(9000)}`,
  `/v2/a/tags/list?last=${'x'.repeat(9000)}`,
  `/v2/a/manifests/1?ns=${'x'.repeat(9000)}`,
  `/${'x'.repeat(9000)}/v2/`,
  `/t/${'x'.repeat(9000)}/v2/`,
  `/?lang=${'x'.repeat(9000)}`,
  `/token?scope=${'x'.repeat(9000)}`,
  `/v1/search?q=${'x'.repeat(9000)}`,
  `/healthz?${'x'.repeat(9000)}`,
])('an address of 9 KiB is refused before anybody reads it: %.20s', async (path) => {
  const answer = await mirror.get(path)
  expect([answer.status, answer.code]).toEqual([414, 'UNSUPPORTED'])
  expect(answer.text.length).toBeLessThan(300)
  expect((await mirror.head(path)).status).toBe(414)
})
