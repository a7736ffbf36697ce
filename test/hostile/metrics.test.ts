import type { Fetch } from '@pullway/core'
import { expect, test } from 'vitest'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'

/** Whoever asks, and whatever an upstream answers: the metrics do not grow with it. */

async function countSeries(mirror: TestMirror): Promise<number> {
  const { text } = await mirror.get('/metrics')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
}

const digestOf = (number: number): string => `sha256:${String(number).padStart(64, '0')}`

test('clients name hosts, methods, registries and paths', async () => {
  const unknown: Fetch = () => Promise.resolve(new Response(null, { status: 404 }))
  const mirror = createTestMirror({ fetch: unknown })
  const ask = async (turn: number): Promise<void> => {
    const host = `http://h${turn}.attacker.test`
    const words = [
      `/v2/r${turn}.test/a/manifests/t${turn}`,
      `/v2/app${turn}/blobs/${digestOf(turn)}`,
    ]
    words.push(`/v${turn}/${turn}`, `/v2/a/manifests/b?ns=n${turn}.test`, `/token?service=s${turn}`)
    for (const path of words) {
      const headers = { 'user-agent': `agent ${turn}`, 'x-forwarded-host': `x${turn}.test` }
      for (const method of ['GET', `M${turn}`]) await mirror.fetch(host + path, { method, headers })
    }
  }
  await ask(0)
  const before = await countSeries(mirror)
  for (let turn = 1; turn < 200; turn += 1) await ask(turn)
  expect((await countSeries(mirror)) - before).toBeLessThan(10)
})

test('an upstream redirects each blob to another host', async () => {
  const scatter: Fetch = (request) => {
    const { host, pathname } = new URL(request.url)
    if (host !== 'registry-1.docker.io') return Promise.resolve(new Response(null, { status: 404 }))
    const to = `https://${pathname.slice(-5)}.docker.io/`
    return Promise.resolve(new Response(null, { status: 307, headers: { location: to } }))
  }
  const mirror = createTestMirror({ fetch: scatter })
  for (let blob = 0; blob < 1_000; blob += 1) {
    await mirror.drive(mirror.get(`/v2/library/app/blobs/${digestOf(blob)}`))
  }
  const { text } = await mirror.get('/metrics')
  expect(text).toContain('endpoint="00042.docker.io"')
  expect(text).toMatch(/endpoint="other",status="404"\} \d+/)
  expect(await countSeries(mirror)).toBeLessThan(300)
})
