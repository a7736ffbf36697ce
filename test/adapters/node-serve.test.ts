import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseConfig } from '@pullway/core/config'
import { startServer } from '@pullway/node'
import { describe, expect, test } from 'vitest'
import { createReadiness } from '../../adapters/node/src/readiness.ts'
import { createFakeClock } from '../fakes/clock.ts'
import {
  makeFolder,
  onlyUpstreams,
  startCli,
  urlOf,
  type Cli,
  type Folder,
} from './node-process.ts'
import { content, digest, startSlowUpstream, type Upstream } from './node-slow-upstream.ts'
import { connectRaw, createRecordingLogger, eventually } from './node-support.ts'

async function startMirror(folder: Folder, upstream: Upstream): Promise<Cli & { url: string }> {
  await folder.write('pullway.yaml', {
    listen: '127.0.0.1:0',
    upstreams: onlyUpstreams({
      'upstream.test': { default: true, endpoints: [{ url: upstream.url }] },
    }),
  })
  const running = startCli(['serve'], { cwd: folder.path })
  return { ...running, url: await urlOf(running) }
}

const getBlob = `GET /v2/library/slow/blobs/${digest} HTTP/1.1\r\nHost: mirror.test\r\n\r\n`

describe('a running server', () => {
  test('finishes a download after SIGTERM, stores it, and exits with 0', async () => {
    await using folder = await makeFolder()
    await using upstream = await startSlowUpstream()
    await using server = await startMirror(folder, upstream)
    const client = connectRaw(Number(new URL(server.url).port))
    client.socket.write(getBlob)
    await client.until('pullwaypullway')

    server.kill('SIGTERM')
    await server.until('Stopping')
    await eventually(() =>
      fetch(server.url).then(
        () => false,
        () => true,
      ),
    )
    upstream.release()

    expect(await client.ended).toBe('end')
    expect(client.received().split('\r\n\r\n')[1]).toBe(content.toString('latin1'))
    expect(await server.exited).toEqual({ code: 0, signal: null })
    const hex = digest.slice(7)
    const stored = join(folder.path, 'data/blobs/sha256', hex.slice(0, 2), hex)
    expect(content.equals(await readFile(stored))).toBe(true)
    expect(server.output().stdout).toContain(`/blobs/${digest} HTTP/1.1" 200 ${content.length} `)
  })

  test('ends a download at the second signal', async () => {
    await using folder = await makeFolder()
    await using upstream = await startSlowUpstream()
    await using server = await startMirror(folder, upstream)
    const client = connectRaw(Number(new URL(server.url).port))
    client.socket.write(getBlob)
    await client.until('pullwaypullway')

    server.kill('SIGINT')
    await server.until('Stopping')
    // What comes within half a second counts as the same Ctrl-C.
    const again = setInterval(() => server.kill('SIGINT'), 100)
    const exited = await server.exited
    clearInterval(again)

    expect(exited).toEqual({ code: 0, signal: null })
    await client.ended
    expect(client.received().length).toBeLessThan(content.length)
    expect(server.output().stderr).toContain('cut off')
  })

  test('tells its own health', async () => {
    await using folder = await makeFolder()
    await using upstream = await startSlowUpstream()
    await using server = await startMirror(folder, upstream)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/^pullway_process_resident_memory_bytes \d{7,}$/m)
    expect(metrics).toMatch(/^pullway_process_cpu_seconds_total [\d.]+$/m)
    expect(metrics).toMatch(/^pullway_process_open_fds \d+$/m)
    // Each metric is described once, and nothing else stands there.
    const names = [...metrics.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})

test('a deployment embeds it', async () => {
  await using folder = await makeFolder()
  const path = join(folder.path, 'cache')
  const document = { listen: '127.0.0.1:0', cache: { blobs: { path } } }
  const config = parseConfig(JSON.stringify(document), { file: 'test', environment: {} })
  const server = await startServer(config, {
    logger: { ...createRecordingLogger(), flush },
  })
  const answer = await fetch(`${server.url}/v2/`)
  expect([answer.status, await answer.text()]).toEqual([200, '{}'])
  const { port } = new URL(server.url)
  const again = { ...config, listen: { host: '127.0.0.1', port: Number(port) } }
  await expect(startServer(again)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  expect(await server.stop()).toBe(true)
  await expect(fetch(server.url)).rejects.toThrow()
})

const flush = (): Promise<void> => Promise.resolve()

describe('readiness', () => {
  test('looks at the folder again after some seconds', async () => {
    await using own = await makeFolder()
    const folder = join(own.path, 'cache')
    const clock = createFakeClock()
    const isReady = createReadiness({ folder, clock, isStopping: () => false })
    expect(await isReady()).toEqual([])
    await rm(folder, { recursive: true })
    await writeFile(folder, '')
    expect(await isReady()).toEqual([])
    await clock.advance(5000)
    expect(await isReady()).toEqual(['cache folder not writable (EEXIST)'])
    await rm(folder)
    await mkdir(folder)
    await chmod(folder, 0o755)
    await clock.advance(5000)
    expect(await isReady()).toEqual([])
  })

  test('ends when the server stops', async () => {
    const clock = createFakeClock()
    const isReady = createReadiness({ folder: undefined, clock, isStopping: () => true })
    expect(await isReady()).toEqual(['stopping'])
  })
})
