import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { parseConfig, type Config } from '@pullway/core/config'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keepFixed } from '../../adapters/node/src/fixed-config.ts'
import { watchFiles } from '../../adapters/node/src/watch-files.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { hashes, usersFile } from '../fakes/login-world.ts'
import {
  makeFolder,
  onlyUpstreams,
  startCli,
  urlOf,
  type Cli,
  type Folder,
} from './node-process.ts'
import { content, digest, startSlowUpstream } from './node-slow-upstream.ts'
import { connectRaw, eventually } from './node-support.ts'

let folder: Folder

beforeEach(async () => {
  folder = await makeFolder()
})

afterEach(() => folder[Symbol.asyncDispose]())

describe('files that are watched', () => {
  function watch(names: readonly string[] = ['one', 'two']) {
    const clock = createFakeClock()
    const end = new AbortController()
    const state = { changes: 0, isReadable: true }
    const watched = watchFiles({
      files: () => names.map((name) => `${folder.path}/${name}`),
      clock,
      signal: end.signal,
      onChange: () => {
        state.changes += 1
        return Promise.resolve(state.isReadable)
      },
    })
    /** Until it sleeps again: what it reads between comes from a real disk. */
    const asleep = async (): Promise<void> => {
      while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const move = async (milliseconds: number): Promise<void> => {
      const last = clock.now() + milliseconds
      while (clock.now() < last) {
        await asleep()
        await clock.advance(Math.min(250, last - clock.now()))
      }
      await asleep()
    }
    const stop = async (): Promise<void> => {
      end.abort()
      await watched
    }
    return { state, move, stop }
  }

  async function change(name: string, text: string, at: number): Promise<void> {
    await folder.write(name, text)
    await utimes(`${folder.path}/${name}`, at, at)
  }

  const move = (from: string, to: string): Promise<void> =>
    rename(`${folder.path}/${from}`, `${folder.path}/${to}`)
  /** As Kubernetes changes a mounted ConfigMap. */
  const relink = (): Promise<void> =>
    symlink('b', `${folder.path}/data.new`).then(() => move('data.new', 'data'))

  test('are read once after the start, and then when one changes', async () => {
    await change('one', '1', 1)
    await change('two', '2', 1)
    const { state, move, stop } = watch()
    await move(3_000)
    expect(state.changes).toBe(1)
    await move(10_000)
    expect(state.changes).toBe(1)
    await change('two', '3', 2)
    await move(3_000)
    expect(state.changes).toBe(2)
    await stop()
  })

  test.each<[string, () => Promise<unknown>]>([
    ['put in its place', () => folder.write('new', 'b').then(() => move('new', 'one'))],
    ['taken away', () => rm(`${folder.path}/one`)],
    ['closed to the process', () => chmod(`${folder.path}/one`, 0o000)],
    ['behind a link that leads elsewhere', () => relink()],
  ])('are seen when one is %s', async (_, act) => {
    await mkdir(`${folder.path}/a`)
    await mkdir(`${folder.path}/b`)
    await folder.write('a/file', 'a')
    await folder.write('b/file', 'b')
    await symlink('a', `${folder.path}/data`)
    await folder.write('one', 'a')
    const { state, move: pass, stop } = watch(['one', 'data/file'])
    await pass(3_000)
    await act()
    await pass(3_000)
    expect(state.changes).toBe(2)
    await stop()
  })

  test('are left until who writes several times has ended', async () => {
    await change('one', '1', 1)
    const { state, move: pass, stop } = watch(['one'])
    await pass(3_000)
    for (let piece = 0; piece < 12; piece += 1) {
      await change('one', 'x'.repeat(piece), 10 + piece)
      await pass(250)
    }
    expect(state.changes).toBe(1)
    await pass(500)
    expect(state.changes).toBe(2)
    await stop()
  })

  test('are read all the same when one never rests', async () => {
    await change('one', '1', 1)
    const { state, move: pass, stop } = watch(['one'])
    for (let piece = 0; piece < 40; piece += 1) {
      await change('one', 'x'.repeat(piece), 10 + piece)
      await pass(250)
    }
    expect(state.changes).toBeGreaterThan(0)
    await stop()
  })

  test('are tried again while they cannot be read', async () => {
    const { state, move: pass, stop } = watch()
    state.isReadable = false
    await pass(10_000)
    const { changes } = state
    expect(changes).toBeGreaterThan(2)
    state.isReadable = true
    await pass(10_000)
    expect(state.changes).toBe(changes + 1)
    await stop()
  })
})

test.each<[string, string, readonly string[]]>([
  ['nothing', '', []],
  ['what may change', 'publicUrl: https://mirror.test\nlog: { level: warn }', []],
  ['the address', 'listen: 127.0.0.1:1', ['listen']],
  ['the folder', 'cache: { blobs: { path: ./other } }', ['cache.blobs']],
  ['the state', 'cache: { state: { driver: memory } }', ['cache.state']],
  ['all stores', 'cache: { blobs: { driver: none } }', ['cache.blobs', 'cache.state']],
  [
    'pushes',
    'push: { enabled: true }\nupstreams: { quay.io: { clientCredentials: relay } }',
    ['push.enabled'],
  ],
  ['connecting', 'timeouts: { connect: 1s, idle: 2s }', ['timeouts.connect']],
])('a restart is needed for: %s', (_, text, keys) => {
  const parse = (document: string): Config =>
    parseConfig(document, { file: 'test', environment: {} })
  const running = parse('')
  const changed = parse(text)
  const { config, waiting } = keepFixed(changed, running)
  expect(waiting).toEqual(keys)
  expect([config.listen, config.cache.blobs, config.cache.state]).toEqual([
    running.listen,
    running.cache.blobs,
    running.cache.state,
  ])
  const { connectMs } = running.timeouts
  expect(config.timeouts).toEqual({ ...changed.timeouts, connectMs })
  expect([config.publicUrl, config.log]).toEqual([changed.publicUrl, changed.log])
})

describe('a server', () => {
  const base = { listen: '127.0.0.1:0', cache: { blobs: { driver: 'none' } } }

  async function start(config: object): Promise<Cli & { readonly url: string }> {
    await folder.write('pullway.yaml', config)
    const running = startCli(['serve'], { cwd: folder.path })
    return { ...running, url: await urlOf(running) }
  }

  async function reload(running: Cli, config: unknown, text: string): Promise<string> {
    if (config !== undefined) await folder.write('pullway.yaml', config)
    const seen = running.output().stderr.length
    running.kill('SIGHUP')
    await eventually(() => running.output().stderr.slice(seen).includes(text))
    return running.output().stderr.slice(seen)
  }

  test('takes a new configuration by itself, in place of the old file', async () => {
    await using running = await start(base)
    await folder.write('pullway.yaml.swp', {
      ...base,
      access: { networks: { deny: ['0.0.0.0/0'] } },
    })
    await rename(`${folder.path}/pullway.yaml.swp`, `${folder.path}/pullway.yaml`)
    await running.until('The configuration was read anew file=pullway.yaml')
    expect((await fetch(`${running.url}/v2/`)).status).toBe(403)
    expect((await fetch(`${running.url}/readyz`)).status).toBe(200)
  })

  test('takes the file that was not there at its start', async () => {
    const environment = { PULLWAY_LISTEN: '127.0.0.1:0' }
    await using running = startCli(['serve'], { cwd: folder.path, environment })
    const url = await urlOf(running)
    const log = await reload(running, { access: { networks: { deny: ['0.0.0.0/0'] } } }, 'anew')
    expect(log).not.toContain('restart')
    expect((await fetch(`${url}/v2/`)).status).toBe(403)
  })

  test('refuses a bad one with every mistake, and says what a restart is for', async () => {
    await using running = await start(base)
    const bad = 'listn: 1\nupstreams:\n  docker.io: { endpoints: 1 }\nlog: { level: loud }\n'
    const refused = 'The new configuration is refused, and the old one stays'
    const lines = (await reload(running, bad, 'log.level')).trim().split('\n')
    expect(lines).toEqual([
      expect.stringContaining(`${refused} file=pullway.yaml line=1 key=listn`),
      expect.stringContaining(
        `${refused} file=pullway.yaml line=3 key=upstreams.docker.io.endpoints`,
      ),
      expect.stringContaining(`${refused} file=pullway.yaml line=4 key=log.level`),
    ])
    expect((await fetch(`${running.url}/v2/`)).status).toBe(200)
    const others = { listen: '127.0.0.1:1', cache: { blobs: { path: './other' } } }
    const taken = await reload(running, others, 'cache.state')
    expect(taken).toContain('The configuration was read anew file=pullway.yaml')
    const waits = 'A change waits for a restart, and the old value stays'
    for (const key of ['listen', 'cache.blobs', 'cache.state']) {
      expect(taken).toContain(`${waits} key=${key}`)
    }
    expect((await fetch(`${running.url}/v2/`)).status).toBe(200)
    expect(await reload(running, undefined, 'as they were')).not.toContain('anew')
  })

  test.each<[string, () => Promise<unknown>]>([
    ['empty', () => folder.write('pullway.yaml', '')],
    ['blank', () => folder.write('pullway.yaml', '\n \n')],
    ['gone', () => rm(`${folder.path}/pullway.yaml`)],
  ])('lets in nobody else because the file is %s', async (_, act) => {
    await using running = await start({ ...base, access: { networks: { deny: ['0.0.0.0/0'] } } })
    await act()
    const log = await reload(running, undefined, 'refused')
    expect(log).toMatch(/the old one stays error="(?:pullway.yaml|defaults): there is nothing"/)
    expect((await fetch(`${running.url}/v2/`)).status).toBe(403)
  })

  test('takes users with the configuration, and users alone while that is bad', async () => {
    await using running = await start(base)
    const withUsers = { ...base, access: { users: { htpasswd: 'users' } } }
    const ask = async (login: string): Promise<number> => {
      const headers = { authorization: `Basic ${btoa(login)}` }
      return (await fetch(`${running.url}/v2/`, { headers })).status
    }
    const missing = await reload(running, withUsers, 'cannot read the users')
    expect(missing).toContain('The new configuration is refused, and the old one stays')
    expect(await ask('alice:wrong')).toBe(200)
    // The file that it wants is looked for.
    await folder.write('users', usersFile)
    await running.until('The configuration was read anew')
    expect(await ask('alice:wrong')).toBe(401)
    expect(await ask('alice:alice-password')).toBe(200)
    await folder.write('users', `dora:${hashes.aliceHash}\n`)
    await reload(running, 'listen: [', 'The users were read anew file=users users=1')
    expect(await ask('alice:alice-password')).toBe(401)
    expect(await ask('dora:alice-password')).toBe(200)
  })

  test('logs in the new format, from the new level on', async () => {
    await using running = await start(base)
    await reload(running, { ...base, log: { format: 'json' } }, '"The configuration was read anew"')
    await (await fetch(`${running.url}/v2/`)).text()
    await running.until('"uri":"/v2/"')
    await writeFile(
      `${folder.path}/pullway.yaml`,
      JSON.stringify({ ...base, log: { level: 'error' } }),
    )
    running.kill('SIGHUP')
    await reload(running, 'listn: 1', 'is refused')
    expect(running.output().stderr.match(/was read anew/g)).toHaveLength(1)
  })

  test('cuts no pull, which a client after the change joins', async () => {
    await using upstream = await startSlowUpstream()
    const upstreams = { 'upstream.test': { default: true, endpoints: [{ url: upstream.url }] } }
    const config = { listen: '127.0.0.1:0', upstreams: onlyUpstreams(upstreams) }
    await using running = await start(config)
    const port = Number(new URL(running.url).port)
    const getBlob = `GET /v2/library/slow/blobs/${digest} HTTP/1.1\r\nHost: mirror.test\r\nConnection: close\r\n\r\n`
    const before = connectRaw(port)
    before.socket.write(getBlob)
    await before.until('pullwaypullway')
    await reload(running, { ...config, publicUrl: 'http://mirror.test' }, 'anew')
    const after = connectRaw(port)
    after.socket.write(getBlob)
    await after.until('pullwaypullway')
    upstream.release()
    for (const client of [before, after]) {
      expect(await client.ended).toBe('end')
      expect(client.received().split('\r\n\r\n')[1]).toBe(content.toString('latin1'))
    }
    expect(upstream.downloads).toBe(1)
    const metrics = await (await fetch(`${running.url}/metrics`)).text()
    expect(metrics).toContain('pullway_coalesced_total 1\n')
    expect(metrics).toContain('{upstream="upstream.test",kind="blob",status="200"} 2\n')
  })
})
