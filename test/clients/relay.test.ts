import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { startDocker } from './docker.ts'
import { startMirror, type Mirror } from './mirror.ts'
import { createPodman } from './podman.ts'
import { until, type Outcome } from './process.ts'
import { createSkopeo } from './skopeo.ts'
import type { Client } from './stored.ts'
import { makeImage, type Image } from './upstream/images.ts'
import { owner, startUpstream, stranger, type Upstream } from './upstream/upstream.ts'

const secret = makeImage('private/pullway-owners:1.0', [300_000])
const open = makeImage('public/pullway-open:1.0', [200_000])
const registry = 'registry.example.com'

let hub: Upstream
let mirror: Mirror

beforeAll(async () => {
  hub = await startUpstream()
  await hub.seed(secret, open)
  mirror = await startMirror({
    upstreams: {},
    settings: {
      upstreams: {
        [registry]: {
          clientCredentials: 'relay',
          endpoints: [{ url: hub.url }],
          trustedHosts: ['127.0.0.1'],
        },
      },
      push: { enabled: true },
    },
  })
})

beforeEach(() => {
  hub.forget()
})

afterAll(async () => {
  await mirror.stop()
  await hub.stop()
})

interface Owning extends Client {
  tryPull(image: string): Promise<Outcome>
  login(host: string, username: string, password: string): Promise<Outcome>
  logout(host: string): Promise<void>
}

const tools: readonly { readonly name: string; readonly create: () => Promise<Owning> }[] = [
  { name: 'skopeo', create: () => createSkopeo() },
  { name: 'podman', create: () => createPodman() },
  { name: 'docker', create: () => startDocker() },
]

describe.each(tools)('$name', ({ create }) => {
  let client: Owning

  beforeAll(async () => {
    client = await create()
  })

  afterAll(() => client.stop())

  test('logs in with an account at the registry, and with no other', async () => {
    const wrong = await client.login(mirror.host, owner.username, 'guess')
    expect(wrong.code).not.toBe(0)
    expect(wrong.stderr).toMatch(/unauthorized|(?:incorrect|invalid) username|401/i)
    const right = await client.login(mirror.host, owner.username, owner.password)
    expect(right, right.stderr).toMatchObject({ code: 0 })
    await client.logout(mirror.host)
    for (const part of ['guess', owner.password]) expect(mirror.log()).not.toContain(part)
  })

  test('pulls a private image as its owner, and nobody else does after that', async () => {
    const name = nameOf(secret)
    await expectRefused(await client.tryPull(name))
    await client.login(mirror.host, owner.username, owner.password)
    expect(await client.pull(name)).toMatchObject({ id: secret.usual.id })
    await client.forget()
    hub.forget()
    expect(await client.pull(name)).toMatchObject({ id: secret.usual.id })
    expect(hub.asked({ host: 'cdn' })).toEqual([])
    await client.forget()
    await client.login(mirror.host, stranger.username, stranger.password)
    await expectRefused(await client.tryPull(name))
    await expectRefused(await client.tryPull(`${name.replace(/:1\.0$/, '')}@${secret.digest}`))
    await client.logout(mirror.host)
    await expectRefused(await client.tryPull(name))
    expect(await client.pull(nameOf(open))).toMatchObject({ id: open.usual.id })
    await client.forget()
  })
})

async function expectRefused(outcome: Outcome): Promise<void> {
  expect(outcome.code, outcome.stdout).not.toBe(0)
  expect(outcome.stderr).toMatch(/denied|unauthorized|authentication required/i)
  await until('it is logged', () => mirror.log().includes('" 401 '))
}

function nameOf({ repository, tag }: Pick<Image, 'repository' | 'tag'>): string {
  return `${mirror.host}/${registry}/${repository}:${tag}`
}

test('a blob that is guessed in another repository is not served', async () => {
  const podman = await createPodman()
  onTestFinished(() => podman.stop())
  await podman.login(mirror.host, owner.username, owner.password)
  await podman.pull(nameOf(secret))
  const token = await tokenOf(stranger, open.repository)
  const [layer] = secret.blobs.slice(-1)
  const path = `/v2/${registry}/${open.repository}/blobs/${layer!.digest}`
  const guessed = await fetch(mirror.url + path, { headers: { authorization: `Bearer ${token}` } })
  expect(guessed.status).toBe(404)
  const itself = path.replace(open.repository, secret.repository)
  const refused = await fetch(mirror.url + itself, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(refused.status).toBe(401)
})

async function tokenOf({ username, password }: typeof owner, repository: string): Promise<string> {
  const scope = `repository:${registry}/${repository}:pull`
  const basic = Buffer.from(`${username}:${password}`).toString('base64')
  const answer = await fetch(`${mirror.url}/token?service=${registry}&scope=${scope}`, {
    headers: { authorization: `Basic ${basic}` },
  })
  return ((await answer.json()) as { token: string }).token
}

describe('a push', () => {
  test('by podman, pulled back', async () => {
    const podman = await createPodman()
    onTestFinished(() => podman.stop())
    const target = nameOf({ repository: 'private/pushed-by-podman', tag: '2' })
    await podman.pull(nameOf(open))
    const refused = await podman.push(nameOf(open), target)
    expect(refused.code).not.toBe(0)
    await podman.login(mirror.host, owner.username, owner.password)
    const pushed = await podman.push(nameOf(open), target)
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 })
    await podman.forget()
    expect(await podman.pull(target)).toMatchObject({ diffIds: open.usual.diffIds })
    await podman.login(mirror.host, stranger.username, stranger.password)
    await podman.forget()
    await expectRefused(await podman.tryPull(target))
    await podman.pull(nameOf(open))
    await expectRefused(await podman.push(nameOf(open), target))
  })

  test('by skopeo copy, byte for byte, and again over the same tag', async () => {
    const skopeo = await createSkopeo()
    onTestFinished(() => skopeo.stop())
    await skopeo.login(mirror.host, owner.username, owner.password)
    const target = nameOf({ repository: 'private/pushed-by-skopeo', tag: 'latest' })
    for (const image of [open, secret]) {
      await skopeo.pull(nameOf(image))
      const pushed = await skopeo.push(target)
      expect(pushed, pushed.stderr).toMatchObject({ code: 0 })
      expect((await skopeo.inspect(target)).Digest).toBe(image.digest)
    }
    expect(await skopeo.pull(target)).toMatchObject({ id: secret.usual.id })
  })

  test('by docker, by the prefix name, with a mount from another repository', async () => {
    const docker = await startDocker()
    onTestFinished(() => docker.stop())
    await docker.login(mirror.host, owner.username, owner.password)
    await docker.pull(nameOf(open))
    const target = nameOf({ repository: 'private/pushed-by-docker', tag: 'v1' })
    hub.forget()
    const pushed = await docker.push(nameOf(open), target)
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 })
    const mounts = hub.asked({ method: 'POST' }).filter(({ path }) => path.includes('mount='))
    expect(mounts.map(({ path }) => new URLSearchParams(path.split('?')[1]).get('from'))).toContain(
      open.repository,
    )
    expect(mounts.map(({ status }) => status)).toContain(201)
    await docker.forget()
    expect(await docker.pull(target)).toMatchObject({ diffIds: open.usual.diffIds })
  })

  test('of a large layer is streamed', async () => {
    const large = makeImage('private/pullway-large:1', [64 * 2 ** 20])
    await hub.seed(large)
    const skopeo = await createSkopeo()
    onTestFinished(() => skopeo.stop())
    await skopeo.login(mirror.host, owner.username, owner.password)
    await skopeo.pull(nameOf(large))
    const target = nameOf({ repository: 'private/pushed-large', tag: '1' })
    const pushed = await skopeo.push(target)
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 })
    expect((await skopeo.inspect(target)).Digest).toBe(large.digest)
  })
})
