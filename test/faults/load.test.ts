import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../clients/process.ts'
import { startLoadClient, type LoadClient, type ReadOptions } from './load-client.ts'
import { startLoadMirror, type LoadMirror } from './load-mirror.ts'
import { startLoadUpstream, type LoadBlob, type LoadUpstream } from './load-upstream.ts'

/** Many clients at once, and such that do not read: memory in MiB, printed at each story's end. */

const mebibyte = 1024 * 1024
const clients = 500

let upstream: LoadUpstream
let mirror: LoadMirror

beforeEach(async () => {
  upstream = await startLoadUpstream()
})

afterEach(async () => {
  await mirror.stop()
  await upstream.stop()
})

function get({ digest }: LoadBlob, options?: ReadOptions): LoadClient {
  return startLoadClient(mirror.url, `/v2/library/app/blobs/${digest}`, options)
}

/** How often each answer came that is not the right bytes. */
async function pull(count: number, blobs: readonly LoadBlob[]): Promise<Record<string, number>> {
  const wrong: Record<string, number> = {}
  const one = async (blob: LoadBlob): Promise<void> => {
    const how = await get(blob).ended
    if (how !== `200 ${blob.digest}`) wrong[how] = (wrong[how] ?? 0) + 1
  }
  await Promise.all(Array.from({ length: count }, (_, index) => one(blobs[index % blobs.length]!)))
  return wrong
}

async function report(
  what: string,
  since: number,
  more = '',
): Promise<{ peak: number; now: number }> {
  const memory = await mirror.memory()
  const seconds = ((performance.now() - since) / 1000).toFixed(1)
  console.log(
    `${what}: ${seconds} s, resident ${memory.peak} MiB at most, ${memory.now} after${more}`,
  )
  return memory
}

test('500 clients at once pull through within 256 MiB', async () => {
  mirror = await startLoadMirror(upstream.url)
  const blobs = upstream.make(25, 2 * mebibyte)
  for (const state of ['cold', 'warm']) {
    const since = performance.now()
    expect(await pull(clients, blobs)).toEqual({})
    const { peak } = await report(`500 clients, 25 layers of 2 MiB, ${state}`, since)
    expect(peak).toBeLessThan(256)
  }
  expect(upstream.downloads()).toBe(blobs.length)
})

test('500 clients that want 500 layers nobody has had: each is right, and within 256 MiB', async () => {
  mirror = await startLoadMirror(upstream.url)
  const since = performance.now()
  expect(await pull(clients, upstream.make(clients, mebibyte))).toEqual({})
  const { peak } = await report('500 clients, 500 layers of 1 MiB, cold', since)
  // Of each a chunk is on its way, and a buffer for its client; what they hold beyond is bounded together.
  expect(peak).toBeLessThan(256)
})

test('10 000 connections that wait cost little, and hinder nobody', async () => {
  mirror = await startLoadMirror(upstream.url)
  const before = await mirror.memory()
  const since = performance.now()
  const waiting: Socket[] = []
  const open = async (): Promise<void> => {
    const { hostname: host, port } = new URL(mirror.url)
    const socket = connect({ host, port: Number(port) })
    socket.on('error', () => undefined)
    socket.write('GET /v2/ HTTP/1.1\r\nHost: mirror.test\r\n\r\n')
    await Promise.race([once(socket, 'data'), once(socket, 'close')])
    waiting.push(socket)
  }
  for (let batch = 0; batch < 50; batch += 1) {
    await Promise.all(Array.from({ length: 200 }, open))
  }
  const alive = (): number => waiting.filter(({ readyState }) => readyState === 'open').length
  expect(alive()).toBe(10_000)
  const begun = performance.now()
  const [blob] = upstream.make(1, 2 * mebibyte)
  expect(await get(blob!).ended).toBe(`200 ${blob!.digest}`)
  const pullMs = Math.round(performance.now() - begun)
  const { peak } = await report('10 000 idle connections', since, `; a pull meanwhile ${pullMs} ms`)
  const each = Math.round(((peak - before.now) * 1024) / 10_000)
  console.log(`10 000 idle connections: ${each} KiB each`)
  expect(each).toBeLessThan(32)
  expect(pullMs).toBeLessThan(5_000)
  expect(alive()).toBe(10_000)
  for (const socket of waiting) socket.destroy()
})

test('slow readers keep no fast one waiting, and cost a buffer each', async () => {
  mirror = await startLoadMirror(upstream.url)
  const [warmUp, alone, shared] = upstream.make(3, 16 * mebibyte)
  expect(await get(warmUp!).ended).toContain('200')
  const timed = async (blob: LoadBlob): Promise<number> => {
    const begun = performance.now()
    const all = await Promise.all(Array.from({ length: 4 }, () => get(blob).ended))
    expect(all).toEqual(all.map(() => `200 ${blob.digest}`))
    return performance.now() - begun
  }
  const aloneMs = await timed(alone!)
  const since = performance.now()
  await mirror.forgetPeak()
  const before = await mirror.memory()
  const slow = Array.from({ length: 100 }, () => get(shared!, { bytesPerSecond: 10_000 }))
  await until('slow clients read', () => slow.every((client) => client.received() > 1000))
  const besideMs = await timed(shared!)
  await pause(3_000)
  const { peak } = await report(
    '100 readers at 10 kB/s beside 4 fast ones, 16 MiB',
    since,
    `; the fast ones ${Math.round(besideMs)} ms, alone ${Math.round(aloneMs)} ms`,
  )
  const read = slow.map((client) => client.received())
  expect(Math.max(...read)).toBeLessThan(mebibyte)
  expect(Math.min(...read)).toBeGreaterThan(10_000)
  expect(peak - before.now).toBeLessThan(100)
  // However busy the machine is: at the slow ones' pace it would be half an hour.
  expect(besideMs).toBeLessThan(10 * aloneMs + 5_000)
  expect(upstream.downloads()).toBe(3)
  for (const { socket } of slow) socket.destroy()
})

test.each([
  // What the kernel holds for each socket is not the process's: a few MiB.
  ['with a store the download ends all the same', 'filesystem', 50, 64],
  ['without one the upstream waits', 'none', 1, 24],
] as const)('clients that read nothing: %s', async (what, driver, count, mostSent) => {
  mirror = await startLoadMirror(upstream.url, driver)
  const since = performance.now()
  const before = await mirror.memory()
  const [blob] = upstream.make(1, 64 * mebibyte)
  const idle = Array.from({ length: count }, () => get(blob!, { bytesPerSecond: 0 }))
  let sent = -1
  await until('nothing more moves', async () => {
    const isStill = upstream.sentBytes() > 0 && upstream.sentBytes() === sent
    sent = upstream.sentBytes()
    await pause(1_000)
    return isStill && upstream.sentBytes() === sent
  })
  const { peak } = await report(
    `reading nothing of 64 MiB (${count}), ${what}`,
    since,
    `; the upstream sent ${Math.round(sent / mebibyte)} MiB`,
  )
  expect(peak - before.now).toBeLessThan(100)
  expect(sent).toBeLessThanOrEqual(mostSent * mebibyte)
  // They are served when they read.
  idle[0]!.socket.resume()
  expect(await idle[0]!.ended).toBe(`200 ${blob!.digest}`)
  for (const { socket } of idle) socket.destroy()
})
