import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  makeFolder,
  onlyUpstreams,
  startCli,
  urlOf,
  type Cli,
  type Folder,
} from './node-process.ts'
import { content, digest, startSlowUpstream, type Upstream } from './node-slow-upstream.ts'
import { connectRaw, eventually, type RawClient } from './node-support.ts'

let folder: Folder
let upstream: Upstream

beforeEach(async () => {
  folder = await makeFolder()
  upstream = await startSlowUpstream()
})

afterEach(async () => {
  await upstream[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

interface Running extends Cli {
  readonly url: string
  connect(): RawClient
  /** Starts a download, of which the half has come. */
  download(): Promise<RawClient>
}

async function start(shutdown: object): Promise<Running> {
  const upstreams = { 'upstream.test': { default: true, endpoints: [{ url: upstream.url }] } }
  await folder.write('pullway.yaml', {
    listen: '127.0.0.1:0',
    upstreams: onlyUpstreams(upstreams),
    shutdown,
  })
  const running = startCli(['serve'], { cwd: folder.path })
  const url = await urlOf(running)
  const connect = (): RawClient => connectRaw(Number(new URL(url).port))
  return {
    ...running,
    url,
    connect,
    async download() {
      const client = connect()
      client.socket.write(requestFor(`/v2/library/slow/blobs/${digest}`))
      await client.until('pullwaypullway')
      return client
    },
  }
}

function requestFor(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: mirror.test\r\n\r\n`
}

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url)
  await answer.text()
  return answer.status
}

const isRefused = (url: string): Promise<boolean> =>
  statusOf(url).then(
    () => false,
    () => true,
  )

/** What comes within half a second counts as the same Ctrl-C. */
async function again(running: Cli, signal: NodeJS.Signals): Promise<unknown> {
  const repeated = setInterval(() => running.kill(signal), 100)
  return running.exited.finally(() => clearInterval(repeated))
}

test('readiness goes first, and all is answered until load balancers have seen it', async () => {
  await using running = await start({ drain: '10m' })
  expect(await statusOf(`${running.url}/readyz`)).toBe(200)
  const waiting = running.connect()
  waiting.socket.write(requestFor('/healthz'))
  await waiting.until('ok\n')

  running.kill('SIGTERM')
  await running.until('Stopping')
  await eventually(async () => (await statusOf(`${running.url}/readyz`)) === 503)
  expect(await (await fetch(`${running.url}/readyz`)).text()).toBe('stopping\n')
  // A new client, and one whose connection waited: it is told to make another, elsewhere.
  expect(await statusOf(`${running.url}/v2/`)).toBe(200)
  waiting.socket.write(requestFor('/v2/'))
  expect(await waiting.ended).toBe('end')
  expect(waiting.received()).toMatch(/ 200 OK\r\n[^]*connection: close\r\n[^]*\{\}$/i)
  const client = await running.download()
  upstream.release()
  expect(await client.ended).toBe('end')
  expect(client.received().split('\r\n\r\n')[1]).toBe(content.toString('latin1'))

  expect(await again(running, 'SIGTERM')).toEqual({ code: 0, signal: null })
})

test('then nobody is let in, and what runs ends well', async () => {
  await using running = await start({ drain: '1s', finish: '1h' })
  const client = await running.download()
  running.kill('SIGTERM')
  await running.until('Stopping')
  await eventually(() => isRefused(running.url))
  upstream.release()
  expect(await client.ended).toBe('end')
  expect(client.received().split('\r\n\r\n')[1]).toBe(content.toString('latin1'))
  expect(await running.exited).toEqual({ code: 0, signal: null })
  expect(running.output().stderr).toMatch(/ info Stopped\n$/)
})

test('what does not end in time is cut off, never ended as if whole', async () => {
  await using running = await start({ finish: '200ms' })
  const client = await running.download()
  running.kill('SIGTERM')
  expect(await running.exited).toEqual({ code: 0, signal: null })
  await client.ended
  expect(client.received().split('\r\n\r\n')[1]!.length).toBeLessThan(content.length)
  expect(running.output().stderr).toContain('cut off')
})

test('a limit that was changed meanwhile holds', async () => {
  await using running = await start({ drain: '10m' })
  await folder.write('pullway.yaml', { listen: '127.0.0.1:0', shutdown: { drain: '0s' } })
  running.kill('SIGHUP')
  await running.until('The configuration was read anew')
  running.kill('SIGTERM')
  expect(await running.exited).toEqual({ code: 0, signal: null })
})
