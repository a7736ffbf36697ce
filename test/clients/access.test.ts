import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { startContainerd } from './containerd.ts'
import { startDocker } from './docker.ts'
import { startMirror, type Mirror } from './mirror.ts'
import { createPodman } from './podman.ts'
import type { Outcome } from './process.ts'
import { createSkopeo } from './skopeo.ts'
import type { Client } from './stored.ts'
import { makeImage } from './upstream/images.ts'
import { reader, startUpstream, type Upstream } from './upstream/upstream.ts'

const secret = makeImage('private/pullway-secret:1.0', [300_000])
const open = makeImage('library/pullway-open:1.0', [300_000])

let hub: Upstream
let anonymous: Mirror
let loggedIn: Mirror

beforeAll(async () => {
  hub = await startUpstream()
  await hub.seed(secret, open)
  anonymous = await startMirror({ upstreams: { 'docker.io': hub.url } })
  loggedIn = await startMirror({
    upstreams: { 'docker.io': { url: hub.url, ...reader } },
    settings: { access: { rules: [{ users: ['anonymous'], images: ['docker.io/**'] }] } },
  })
})

afterAll(async () => {
  await anonymous.stop()
  await loggedIn.stop()
  await hub.stop()
})

beforeEach(() => hub.forget())

interface Tool {
  readonly name: string
  readonly create: () => Promise<Client & { tryPull(image: string): Promise<Outcome> }>
  /** Whether it prints what the mirror says: ctr 1.6 prints the status alone (clients.md, 3.3). */
  readonly prints: 'message' | 'status'
}

const tools: readonly Tool[] = [
  { name: 'docker', create: () => startDocker(), prints: 'message' },
  { name: 'podman', create: () => createPodman(), prints: 'message' },
  { name: 'ctr', create: () => startContainerd(), prints: 'status' },
  { name: 'skopeo', create: () => createSkopeo(), prints: 'message' },
]

describe.each(tools)('$name', ({ create, prints }) => {
  let client: Awaited<ReturnType<Tool['create']>>

  beforeAll(async () => {
    client = await create()
  })

  afterAll(() => client.stop())

  test.each([
    { what: 'a private image without credentials', image: 'private/pullway-secret:1.0' },
    { what: 'an unknown image', image: 'library/pullway-none:1.0' },
    { what: 'an unknown tag', image: 'library/pullway-open:9.9' },
  ])('is refused $what, and prints why', async ({ image }) => {
    const { code, stderr } = await client.tryPull(`${anonymous.host}/${image}`)
    expect(code).not.toBe(0)
    const reason = { message: await askWhy(image), status: / not found|403 Forbidden/ }[prints]
    expect(stripQuotes(stderr)).toMatch(reason)
    expect(hub.asked({ host: 'cdn' })).toEqual([])
  })

  test("gets it with the endpoint's username and password", async () => {
    const stored = await client.pull(`${loggedIn.host}/private/pullway-secret:1.0`)
    expect(stored.id).toBe(secret.usual.id)
    const atCdn = hub.asked({ host: 'cdn' })
    expect(atCdn.filter(({ authorization }) => authorization)).toEqual([])
    expect(atCdn.filter(({ status }) => status !== 200)).toEqual([])
  })
})

describe("a person's own login at Docker Hub", () => {
  const login = { username: 'somebody', password: 'hub-password-of-somebody' }
  const basic = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`

  test('in the config of docker, goes nowhere through registry-mirrors', async () => {
    const docker = await startDocker({ registryMirrors: [anonymous.url], hubLogin: login })
    onTestFinished(() => docker.stop())
    const stored = await docker.pull('pullway-open:1.0')
    expect(stored.id).toBe(open.usual.id)
    await expectUnseen()
  })

  test('sent to the mirror by a client, is neither forwarded nor logged', async () => {
    const paths = ['', 'private/pullway-secret/manifests/1.0', 'library/pullway-open/manifests/1.0']
    for (const path of paths) {
      const answer = await fetch(`${anonymous.url}/v2/${path}`, {
        headers: { authorization: basic },
      })
      expect(answer.ok, path).toBe(!path.startsWith('private/'))
      await answer.body?.cancel()
    }
    await expectUnseen()
  })

  async function expectUnseen(): Promise<void> {
    const asked = hub.asked()
    expect(asked.length).toBeGreaterThan(0)
    // Anonymous tokens are the only authorization that this mirror may use.
    expect(asked.filter(({ host, authorization }) => host === 'token' && authorization)).toEqual([])
    expect(asked.filter(({ authorization }) => authorization?.startsWith('Basic'))).toEqual([])
    const log = anonymous.log()
    expect(log).toContain('pullway-open')
    for (const part of [login.password, basic.slice('Basic '.length)])
      expect(log).not.toContain(part)
  }
})

async function askWhy(image: string): Promise<string> {
  const answer = await fetch(`${anonymous.url}/v2/${image.replace(':', '/manifests/')}`)
  const { errors } = (await answer.json()) as { readonly errors: readonly { message: string }[] }
  const message = errors[0]?.message ?? ''
  expect(message).not.toBe('')
  return stripQuotes(message)
}

/** Clients quote and escape as they like. */
function stripQuotes(text: string): string {
  return text.replaceAll(/[\\"]/g, '')
}
