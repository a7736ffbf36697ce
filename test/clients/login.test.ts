import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startContainerd } from './containerd.ts'
import { startDocker } from './docker.ts'
import { makeFolder, type Folder } from './folder.ts'
import { startMirror, type Mirror } from './mirror.ts'
import { createPodman } from './podman.ts'
import { until, type Outcome } from './process.ts'
import { createSkopeo } from './skopeo.ts'
import type { Client } from './stored.ts'
import { startTlsProxy, type TlsProxy } from './tls-proxy.ts'
import { makeImage } from './upstream/images.ts'
import { startUpstream, type Upstream } from './upstream/upstream.ts'
import { lineOf } from '../fakes/user-line.ts'

const image = makeImage('library/pullway-members:1.0', [300_000])
const forAlice = makeImage('owner/pullway-alices:1.0', [300_000])
const secret = `pwt_${'c0'.repeat(32)}`

let hub: Upstream
let folder: Folder
let mirror: Mirror
let open: Mirror
let proxy: TlsProxy

beforeAll(async () => {
  hub = await startUpstream()
  await hub.seed(image, forAlice)
  folder = await makeFolder('users')
  const htpasswd = `${folder.path}/htpasswd`
  const digest = createHash('sha256').update(secret).digest('hex')
  const lines = [
    lineOf('alice', 'alice-password', 'sha256'),
    lineOf('bob', 'bob-password', 'sha256'),
  ]
  await writeFile(htpasswd, [...lines, `ci:$token$${digest}`, ''].join('\n'))
  const upstreams = { 'docker.io': hub.url }
  const trustedProxies = ['127.0.0.1']
  const rules = [
    { users: ['alice'], images: ['**'] },
    { users: ['*'], images: ['docker.io/library/*'] },
  ]
  mirror = await startMirror({
    upstreams,
    settings: { trustedProxies, access: { users: { htpasswd }, rules } },
  })
  open = await startMirror({
    upstreams,
    settings: { access: { users: { htpasswd, anonymous: true }, rules } },
  })
  proxy = await startTlsProxy(mirror.url)
})

afterAll(async () => {
  await proxy.stop()
  await mirror.stop()
  await open.stop()
  await hub.stop()
  await folder.remove()
})

interface LoggingIn extends Client {
  tryPull(image: string): Promise<Outcome>
  login(host: string, username: string, password: string): Promise<Outcome>
  logout(host: string): Promise<void>
}

const tools: readonly { readonly name: string; readonly create: () => Promise<LoggingIn> }[] = [
  { name: 'docker', create: () => startDocker() },
  { name: 'podman', create: () => createPodman() },
  { name: 'skopeo', create: () => createSkopeo() },
]

describe.each(tools)('$name', ({ create }) => {
  let client: LoggingIn

  beforeAll(async () => {
    client = await create()
  })

  afterAll(() => client.stop())

  const nameOf = (host: string): string => `${host}/library/pullway-members:1.0`
  const alices = (host: string): string => `${host}/owner/pullway-alices:1.0`

  test('is told to log in', async () => {
    const { code, stderr } = await client.tryPull(nameOf(mirror.host))
    expect(code).not.toBe(0)
    expect(stderr).toContain('log in to this mirror')
  })

  test('is refused with a wrong password', async () => {
    const { code, stdout, stderr } = await client.login(mirror.host, 'alice', 'not-alices')
    expect(code).not.toBe(0)
    expect(stdout + stderr).toMatch(
      /the user name or the password is wrong|invalid username\/password/,
    )
  })

  test('logs in, pulls what its user may, and logs out', async () => {
    const login = await client.login(mirror.host, 'bob', 'bob-password')
    expect(login, login.stderr).toMatchObject({ code: 0 })
    expect(login.stdout).toMatch(/Login Succeeded/i)
    expect((await client.pull(nameOf(mirror.host))).id).toBe(image.usual.id)
    const denied = await client.tryPull(alices(mirror.host))
    expect(denied.code).not.toBe(0)
    expect(denied.stderr).toMatch(/denied/i)
    await client.logout(mirror.host)
    await client.forget()
    expect((await client.tryPull(nameOf(mirror.host))).code).not.toBe(0)
    expect((await client.login(mirror.host, 'alice', 'alice-password')).code).toBe(0)
    expect((await client.pull(alices(mirror.host))).id).toBe(forAlice.usual.id)
    await client.logout(mirror.host)
  })

  test('takes a service token for a password', async () => {
    expect((await client.login(mirror.host, 'ci', secret)).code).toBe(0)
    expect((await client.pull(nameOf(mirror.host))).id).toBe(image.usual.id)
    await client.logout(mirror.host)
  })

  test('logs in through a TLS proxy, where it is sent nowhere else', async () => {
    const { host } = proxy
    const ping = await client.login(host, 'alice', 'wrong-by-tls')
    expect(ping.code).not.toBe(0)
    const login = await client.login(host, 'alice', 'alice-password')
    expect(login, login.stderr).toMatchObject({ code: 0 })
    expect((await client.pull(alices(host))).id).toBe(forAlice.usual.id)
    const line = new RegExp(`alice .* "${host}" docker.io`)
    await until('the pull is logged', () => line.test(mirror.log()))
    await client.logout(host)
  })

  test('pulls without a login where the anonymous are let in, and more with one', async () => {
    expect((await client.pull(nameOf(open.host))).id).toBe(image.usual.id)
    const denied = await client.tryPull(alices(open.host))
    expect(denied.code).not.toBe(0)
    const wrong = await client.login(open.host, 'alice', 'not-alices')
    expect(wrong.code).not.toBe(0)
    expect((await client.login(open.host, 'alice', 'alice-password')).code).toBe(0)
    expect((await client.pull(alices(open.host))).id).toBe(forAlice.usual.id)
    await client.logout(open.host)
  })
})

describe('ctr', () => {
  test.each([
    ['a password', 'bob:bob-password', 0],
    ['a service token', `ci:${secret}`, 0],
    ['a wrong password', 'bob:wrong', 1],
  ])('with %s', async (_, login, code) => {
    const containerd = await startContainerd()
    onTestFinished(() => containerd.stop())
    const name = `${mirror.host}/library/pullway-members:1.0`
    const pulled = await containerd.tryPull(name, login)
    expect(pulled, pulled.stderr).toMatchObject({ code })
  })

  test('with no login is refused, and by its address with a token in hosts.toml is not', async () => {
    const containerd = await startContainerd({ 'docker.io': `${mirror.url}/t/${secret}` })
    onTestFinished(() => containerd.stop())
    const refused = await containerd.tryPull(`${mirror.host}/library/pullway-members:1.0`)
    expect(refused.code).toBe(1)
    const { id } = await containerd.pull('docker.io/library/pullway-members:1.0')
    expect(id).toBe(image.usual.id)
  })
})

describe('dockerd', () => {
  test('keeps a token of ours and not the password', async () => {
    const docker = await startDocker()
    onTestFinished(() => docker.stop())
    expect((await docker.login(mirror.host, 'bob', 'bob-password')).code).toBe(0)
    const { auths } = JSON.parse(await docker.config()) as {
      auths: Record<string, { auth: string; identitytoken?: string }>
    }
    const { auth, identitytoken } = auths[mirror.host]!
    expect(identitytoken).toMatch(/^pwr_/)
    expect(Buffer.from(auth, 'base64').toString()).not.toContain('bob-password')
  })

  test("with registry-mirrors and Docker Hub's login pulls all the same", async () => {
    const hubLogin = { username: 'somebody', password: 'hub-password-of-somebody' }
    const docker = await startDocker({ registryMirrors: [open.url], hubLogin })
    onTestFinished(() => docker.stop())
    hub.forget()
    expect((await docker.pull('pullway-members:1.0')).id).toBe(image.usual.id)
    const basic = Buffer.from(`${hubLogin.username}:${hubLogin.password}`).toString('base64')
    for (const part of [hubLogin.password, basic]) {
      expect(open.log()).not.toContain(part)
      expect(JSON.stringify(hub.asked())).not.toContain(part)
    }
  })
})

test('no log has a password or a secret', () => {
  for (const part of [secret, 'alice-password', 'bob-password', 'not-alices']) {
    expect(mirror.log()).not.toContain(part)
    expect(open.log()).not.toContain(part)
  }
  expect(mirror.log()).toContain('/t/***/v2/library/pullway-members/')
  expect(mirror.log()).toMatch(/127\.0\.0\.1 - bob \[/)
})
