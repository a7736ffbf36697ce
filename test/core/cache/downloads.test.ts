import { describe, expect, test } from 'vitest'
import { createMemoryKeyValue } from '@pullway/memory'
import { createDownloads, type BlobWanted } from '../../../core/src/cache/downloads.ts'
import { createFillMemory } from '../../../core/src/cache/fill-memory.ts'
import { createHoldings } from '../../../core/src/cache/holdings.ts'
import { createStoreReport } from '../../../core/src/cache/store-report.ts'
import { createForgivingStore } from '../../../core/src/cache/store.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { rejectionOf } from '../support/caught.ts'
import { type ControlledBody, createControlledBody } from '../support/controlled-body.ts'
import { createFaultyStore } from '../support/faulty-store.ts'
import { createHasher } from '../support/hashing.ts'
import { contentOf } from '../support/images.ts'
import type { Call } from '../support/scripted-fetch.ts'
import { storeContents } from '../support/stored.ts'
import { isPending, turns } from '../support/turns.ts'
import { routeTo, timeouts } from '../support/upstream-config.ts'
import { createUpstreamWorld } from '../support/upstream-world.ts'

const blob = contentOf(makeBytes(1_000))

function settle(answer?: (call: Call) => Response | Promise<Response> | undefined) {
  const bodies: ControlledBody[] = []
  const world = createUpstreamWorld((call) => {
    const given = answer?.(call)
    if (given) return given
    const body = createControlledBody()
    bodies.push(body)
    return new Response(body.stream, { headers: { 'content-length': '1000' } })
  })
  const { clock, metrics, logger, upstream, deadline, script } = world
  const store = createFaultyStore()
  const holdings = createHoldings(createMemoryKeyValue({ clock }))
  const downloads = createDownloads({
    store: createForgivingStore(store, createStoreReport(logger, metrics), clock),
    holdings,
    clock,
    createHasher,
    metrics,
    logger,
    idleMs: timeouts.idleMs,
    answerMs: timeouts.answerMs,
    running: new Map(),
    memory: createFillMemory(),
  })
  const wanted = (repository = 'app', knownSize?: number): BlobWanted => ({
    route: routeTo(repository),
    upstream,
    digest: blob.digest,
    knownSize,
    deadline: deadline(),
  })
  const finish = (index = 0): void => {
    bodies[index]!.push(blob.bytes)
    bodies[index]!.end()
  }
  return { store, holdings, downloads, wanted, bodies, finish, script }
}

async function joinedFill(joining: ReturnType<ReturnType<typeof createDownloads>['join']>) {
  const joined = await joining
  if (joined === 'stored') throw new Error('it is stored already')
  return joined
}

describe('joining', () => {
  test('the first starts it, the others join it', async () => {
    const { downloads, wanted, finish, script } = settle()
    const first = await joinedFill(downloads.join(wanted()))
    const second = await joinedFill(downloads.join(wanted()))
    expect([first.isNew, second.isNew]).toEqual([true, false])
    expect([first.isKept, first.fill.size]).toEqual([true, 1_000])
    expect(second.fill).toBe(first.fill)
    expect(downloads.isRunning(blob.digest)).toBe(true)
    expect(downloads.isRunning(digestOf(makeBytes(5)))).toBe(false)
    finish()
    await first.fill.finished
    await turns(2)
    expect(downloads.isRunning(blob.digest)).toBe(false)
    expect(script.calls).toHaveLength(1)
  })

  test('what has come meanwhile is stored', async () => {
    const { store, downloads, wanted, script } = settle()
    await storeContents(store, blob)
    expect(await downloads.join(wanted())).toBe('stored')
    expect(script.calls).toHaveLength(0)
    await turns(2)
    expect(downloads.isRunning(blob.digest)).toBe(false)
  })

  test('notes who holds it; the size that is announced is not verified', async () => {
    const { holdings, downloads, wanted, finish } = settle()
    const { fill } = await joinedFill(downloads.join(wanted()))
    expect(await holdings.find(routeTo('app'), blob.digest)).toEqual({ kind: 'blob' })
    finish()
    await fill.finished
  })

  test('tells whether it is kept', async () => {
    const { store, downloads, wanted, finish } = settle()
    store.fail('write')
    const { fill, isKept } = await joinedFill(downloads.join(wanted()))
    expect(isKept).toBe(false)
    fill.follow(999)
    finish()
    await fill.finished
  })
})

describe('a refusal', () => {
  test('is that of all who ask for the same repository', async () => {
    const { downloads, wanted, script } = settle(() => new Response('', { status: 404 }))
    const errors = [rejectionOf(downloads.join(wanted())), rejectionOf(downloads.join(wanted()))]
    for (const error of await Promise.all(errors))
      expect(error).toMatchObject({ code: 'BLOB_UNKNOWN' })
    expect(script.calls).toHaveLength(1)
    await turns(2)
    expect(downloads.isRunning(blob.digest)).toBe(false)
  })

  test('is not asked for again by those who waited for it, whatever it was', async () => {
    const { downloads, wanted, script } = settle(() => new Response('', { status: 500 }))
    const errors = Array.from({ length: 5 }, () => rejectionOf(downloads.join(wanted())))
    for (const error of await Promise.all(errors))
      expect(error).toMatchObject({ reason: 'server-error' })
    expect(script.calls).toHaveLength(1)
  })

  test('of one repository says nothing about another', async () => {
    const { downloads, wanted, bodies, finish } = settle(({ url }) =>
      url.pathname.includes('/private/') ? new Response('', { status: 401 }) : undefined,
    )
    const refused = rejectionOf(downloads.join(wanted('private')))
    const others = [downloads.join(wanted('one')), downloads.join(wanted('two'))]
    expect(await refused).toMatchObject({ code: 'DENIED' })
    const [one, two] = await Promise.all(others.map(joinedFill))
    expect(two!.fill).toBe(one!.fill)
    expect(bodies).toHaveLength(1)
    finish()
    await one!.fill.finished
  })
})

describe('sizes', () => {
  test.each([
    [1_000, undefined, 1_000],
    [undefined, undefined, undefined],
    [1_000, 1_000, 1_000],
    [undefined, 1_000, 1_000],
  ])('told %s, known %s: %s', async (told, known, size) => {
    const headers: Record<string, string> =
      told === undefined ? {} : { 'content-length': String(told) }
    const { downloads, wanted } = settle(() => new Response(blob.bytes, { headers }))
    const { fill } = await joinedFill(downloads.join(wanted('app', known)))
    expect(fill.size).toBe(size)
    await fill.finished
  })

  test('that contradict each other are trouble, and the body is let go', async () => {
    const { downloads, wanted, bodies } = settle()
    const error = await rejectionOf(downloads.join(wanted('app', 999)))
    expect(error).toMatchObject({ name: 'UpstreamTrouble', reason: 'server-error' })
    expect(bodies[0]!.isCancelled).toBe(true)
  })
})

describe('being idle', () => {
  test('is at once where nothing runs', async () => {
    await settle().downloads.idle()
  })

  test('is when the last one has ended, well or not', async () => {
    const { downloads, wanted, bodies, finish } = settle()
    const first = await joinedFill(downloads.join(wanted()))
    const idle = downloads.idle()
    expect(await isPending(idle)).toBe(true)
    finish()
    await idle
    await first.fill.finished
    const { downloads: failing, wanted: failingWanted } = settle(
      () => new Response('', { status: 500 }),
    )
    const error = rejectionOf(failing.join(failingWanted()))
    await failing.idle()
    expect(await error).toMatchObject({ reason: 'server-error' })
    expect(bodies).toHaveLength(1)
  })
})

describe('a range of its own', () => {
  const part = (first: number, last: number): Response =>
    new Response(blob.bytes.slice(first, last + 1), {
      status: 206,
      headers: { 'content-range': `bytes ${first}-${last}/1000` },
    })

  async function read(opening: ReturnType<ReturnType<typeof createDownloads>['openRange']>) {
    const source = await opening
    const chunks: Uint8Array[] = []
    for (let chunk = await source.next(); chunk; chunk = await source.next()) chunks.push(chunk)
    return new Uint8Array(Buffer.concat(chunks))
  }

  test('closed and open', async () => {
    const { downloads, wanted, script } = settle(({ headers }) =>
      headers.get('range') === 'bytes=10-19' ? part(10, 19) : part(900, 999),
    )
    expect(await read(downloads.openRange(wanted(), 10, 19))).toEqual(blob.bytes.slice(10, 20))
    expect(await read(downloads.openRange(wanted(), 900, undefined))).toEqual(blob.bytes.slice(900))
    expect(script.calls[1]!.headers.get('range')).toMatch(/^bytes=900-\d+$/)
    expect(downloads.isRunning(blob.digest)).toBe(false)
  })
})
