import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeImage } from '../clients/upstream/images.ts'
import { accept } from './expect.ts'
import { startWorld, type World } from './world.ts'

const image = makeImage('owner/pullway-pages:1.0', [1000])

let world: World

beforeAll(async () => {
  world = await startWorld(image)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

test.each(['/healthz', '/readyz'])('%s is well', async (path) => {
  expect((await world.ask(path)).status).toBe(200)
})

test.each([
  ['en', 'mirror.example.org', 'lang="en"'],
  ['zh-CN', 'images.example.net', 'lang="zh-CN"'],
])(
  'the home page in %s shows how to use the host it was asked on',
  async (language, host, mark) => {
    const headers = { host, 'accept-language': language }
    const { status, headers: answered, body } = await world.ask('/', { headers })
    expect(status).toBe(200)
    expect(answered['content-type']).toMatch(/^text\/html/)
    const text = body.toString()
    expect(text).toContain(mark)
    expect(text).toContain(`docker pull ${host}/`)
    expect(text).not.toContain('127.0.0.1')
  },
)

test('the metrics count what was pulled', async () => {
  const path = '/v2/owner/pullway-pages/manifests/1.0'
  const before = await count()
  expect((await world.ask(path, { headers: { accept } })).status).toBe(200)
  expect((await world.ask(path, { headers: { accept } })).status).toBe(200)
  expect((await count()) - before).toBe(2)
})

async function count(): Promise<number> {
  const { status, headers, body } = await world.ask('/metrics')
  expect(status).toBe(200)
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  const text = body.toString()
  expect(text).toContain('# TYPE pullway_requests_total counter')
  const labels = '{upstream="docker.io",kind="manifest",status="200"}'
  const line = text.split('\n').find((one) => one.startsWith(`pullway_requests_total${labels} `))
  return Number(line?.split(' ')[1] ?? 0)
}
