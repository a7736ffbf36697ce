import { describe, expect, test } from 'vitest'
import { createLimits } from '../../../core/src/access/limits.ts'
import { createLasting } from '../../../core/src/lasting.ts'
import type { Answer } from '../../../core/src/answer.ts'
import type { LimitsConfig } from '../../../core/src/config/config.ts'
import type { RequestContext } from '../../../core/src/request/context.ts'
import { createFakeClock } from '../../fakes/clock.ts'
import { rejectionOf } from '../support/caught.ts'
import { streamOf } from '../support/stream-of.ts'

const open: LimitsConfig = {
  requests: undefined,
  connections: undefined,
  bandwidthBytesPerSecond: undefined,
}
const logger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  access: () => undefined,
}
const context: RequestContext = { waitUntil: () => undefined }

function create(given: Partial<LimitsConfig>) {
  const clock = createFakeClock()
  return {
    clock,
    limits: createLimits({ ...open, ...given }, { clock, logger }, createLasting(clock)),
  }
}

function answerWith(body: Answer['body'], status = 200): () => Promise<Answer> {
  return async () => ({ status, headers: {}, body, outcome: 'hit' })
}

function stream(bytes = 10): ReadableStream<Uint8Array> {
  return streamOf([new Uint8Array(bytes)])
}

/** Whether the one place of a client is free. */
async function isFree({ clock, limits }: ReturnType<typeof create>): Promise<boolean> {
  const next = limits.sendBlob('a', context, answerWith(null)).then(
    () => true,
    () => false,
  )
  await clock.advance(6_000)
  return next
}

test('without limits an answer stays what it is, to the very object', async () => {
  const { limits } = create({})
  const body = stream()
  const answer = await answerWith(body)()
  expect(await limits.sendBlob('a', context, async () => answer)).toBe(answer)
})

test('with connections alone a body stays what it is where the runtime tells its end', async () => {
  const { limits } = create({ connections: 1 })
  const body = stream()
  const sent = await limits.sendBlob(
    'a',
    { ...context, whenSent: () => undefined },
    answerWith(body),
  )
  expect(sent.body).toBe(body)
})

describe('a place is free again', () => {
  test.each<[what: string, answer: () => Promise<Answer>]>([
    ['bytes', answerWith(new Uint8Array(3))],
    ['304', answerWith(null, 304)],
    ['a link', answerWith(null, 307)],
    ['HEAD', answerWith(null)],
  ])('at once for what is no stream: %s', async (_, answer) => {
    const world = create({ connections: 1 })
    await world.limits.sendBlob('a', context, answer)
    expect(await isFree(world)).toBe(true)
  })

  test('when there is no answer', async () => {
    const world = create({ connections: 1 })
    const failed = world.limits.sendBlob('a', context, () => Promise.reject(new Error('down')))
    expect(await rejectionOf(failed)).toMatchObject({ message: 'down' })
    expect(await isFree(world)).toBe(true)
  })

  test('when the runtime says that the answer has ended', async () => {
    const world = create({ connections: 1 })
    let tell: (() => void) | undefined
    const whenSent = (listener: (bytes: number, complete: boolean) => void): void => {
      tell = () => listener(0, false)
    }
    await world.limits.sendBlob('a', { ...context, whenSent }, answerWith(stream()))
    expect(await isFree(world)).toBe(false)
    tell!()
    expect(await isFree(world)).toBe(true)
  })

  test.each<[how: string, end: (body: ReadableStream<Uint8Array>) => Promise<unknown>]>([
    ['was read', (body) => new Response(body).bytes()],
    ['was given up before its first byte', (body) => body.cancel()],
    [
      'was given up in its middle',
      async (body) => {
        const reader = body.getReader()
        await reader.read()
        await reader.cancel()
      },
    ],
  ])('where the runtime says nothing, when the body %s', async (_, end) => {
    const world = create({ connections: 1 })
    const { body } = await world.limits.sendBlob('a', context, answerWith(stream()))
    expect(await isFree(world)).toBe(false)
    await end(body as ReadableStream<Uint8Array>)
    expect(await isFree(world)).toBe(true)
  })

  test('when the body broke', async () => {
    const world = create({ connections: 1 })
    const broken = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error('cut')) })
    const { body } = await world.limits.sendBlob('a', context, answerWith(broken))
    await expect(new Response(body as ReadableStream).bytes()).rejects.toThrow('cut')
    expect(await isFree(world)).toBe(true)
  })
})

test('a blob that comes as bytes takes its time, too', async () => {
  const { clock, limits } = create({ bandwidthBytesPerSecond: 1024 })
  const begin = clock.now()
  const { body } = await limits.sendBlob('a', context, answerWith(new Uint8Array(5_120).fill(7)))
  const read = new Response(body as ReadableStream).bytes()
  await clock.advance(3_000)
  expect(await Promise.race([read, Promise.resolve(undefined)])).toBeUndefined()
  await clock.advance(2_000)
  expect(await read).toEqual(new Uint8Array(5_120).fill(7))
  expect(clock.now() - begin).toBe(5_000)
})

test('bandwidth and connections hold together', async () => {
  const world = create({ connections: 1, bandwidthBytesPerSecond: 1024 })
  const { body } = await world.limits.sendBlob('a', context, answerWith(stream(10_240)))
  const read = new Response(body as ReadableStream).bytes()
  await world.clock.advance(5_000)
  expect(await isFree(world)).toBe(true)
  expect((await read).byteLength).toBe(10_240)
})
