import { describe, expect, test } from 'vitest'
import { createFillMemory } from '../../../core/src/cache/fill-memory.ts'
import type { Source } from '../../../core/src/cache/source.ts'
import { createFillWorld } from '../support/fill-world.ts'
import { createHeldBytes } from '../support/held-bytes.ts'
import { createForgetfulStore, createLazyContent } from '../support/lazy-content.ts'
import { readSome, readToEnd } from '../support/reading.ts'
import { turns, until } from '../support/turns.ts'
import { createHash } from 'node:crypto'

const mebibyte = 2 ** 20
const content = createLazyContent(64 * mebibyte)
const chunkBytes = 64 * 1024

/** The content as an upstream gives it, each chunk made when it is read, and watched. */
function settle(held = createHeldBytes()) {
  const store = createForgetfulStore(content)
  let position = 0
  let limit = 0
  let wake: () => void = () => undefined
  const source: Source = {
    async next() {
      if (position === content.size) return undefined
      while (position >= limit) await new Promise<void>((resolve) => (wake = resolve))
      const chunk = held.watch(content.at(position, chunkBytes))
      position += chunk.byteLength
      return chunk
    },
    cancel: async () => undefined,
    blame: () => undefined,
  }
  const sendUpTo = (bytes: number): void => {
    limit = bytes
    wake()
  }
  return { held, store, source, sendUpTo }
}

async function digestOfBody(body: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of body) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

describe('memory stays bounded', () => {
  test('whatever the size, the number of clients, and how slow they are', async () => {
    const { held, store, source, sendUpTo } = settle()
    const { digest, size } = content
    const { fill, follow } = await createFillWorld({ digest, size, store, source })
    const paused = [0, 0, 5 * mebibyte, 60 * mebibyte].map((first) => follow(first))
    const running = [0, 0, 0].map(() => digestOfBody(follow()))
    sendUpTo(mebibyte)
    await readSome(paused[0]!, 100_000)
    for (const sent of [16, 32, 48]) {
      sendUpTo(sent * mebibyte)
      await until(() => fill.received() === sent * mebibyte, `${sent} MiB have come`)
      await turns(10)
      expect(await held.count()).toBeLessThanOrEqual(2 * mebibyte)
    }
    sendUpTo(size)
    await fill.finished
    expect(store.committed).toEqual([digest])
    expect(await Promise.all(running)).toEqual([digest, digest, digest])
    // What the paused ones still need comes from the store now.
    const [first, second, third, last] = paused
    await first!.cancel()
    expect(await digestOfBody(second!)).toBe(digest)
    expect((await readToEnd(third!)).bytes.byteLength).toBe(59 * mebibyte)
    expect((await readToEnd(last!)).bytes.byteLength).toBe(4 * mebibyte)
    await until(() => store.openWrites === 0, 'the write is released')
    expect(await held.count()).toBeLessThanOrEqual(2 * mebibyte)
  })

  test('when the store is slow', async () => {
    const { held, store, source, sendUpTo } = settle()
    let goOn: () => void = () => undefined
    store.delay = () => new Promise((resolve) => (goOn = resolve))
    const { digest, size } = content
    const { fill, follow } = await createFillWorld({ digest, size, store, source })
    const body = follow()
    sendUpTo(size)
    for (let appends = 0; appends < 8; appends += 1) {
      await turns(30)
      expect(await held.count()).toBeLessThanOrEqual(2 * mebibyte)
      goOn()
    }
    await turns(30)
    expect(fill.received()).toBeGreaterThan(2 * mebibyte)
    expect(fill.received()).toBeLessThan(size)
    await body.cancel()
  })

  test('of all together when many run, and each goes on', async () => {
    const memory = createFillMemory()
    const { digest, size } = content
    const held = createHeldBytes()
    const one = async () => {
      const world = settle(held)
      const appends: (() => void)[] = []
      world.store.delay = () => new Promise((resolve) => appends.push(resolve))
      const share = { memory: memory.share(), digest, size }
      const { fill, follow } = await createFillWorld({ ...world, ...share })
      return { ...world, fill, appends, body: follow() }
    }
    const all = await Promise.all(Array.from({ length: 60 }, one))
    for (const { sendUpTo } of all) sendUpTo(size)
    // Each alone would hold more than 1 MiB.
    await until(() => all.every(({ appends }) => appends.length > 0), 'each writes its first chunk')
    await turns(30)
    expect(await held.count()).toBeLessThan(8 * mebibyte + 60 * 2 * chunkBytes)
    const before = all.map(({ fill }) => fill.received())
    // What is being written, and what waited meanwhile.
    for (let round = 0; round < 2; round += 1) {
      for (const { appends } of all) appends.shift()?.()
      await turns(30)
    }
    for (const [index, { fill }] of all.entries()) {
      expect(fill.received()).toBeGreaterThan(before[index]!)
    }
    expect(await held.count()).toBeLessThan(8 * mebibyte + 60 * 2 * chunkBytes)
    await Promise.all(all.map(({ body }) => body.cancel()))
  })

  test('when there is no store and the client pauses', async () => {
    const { held, source, sendUpTo } = settle()
    const { digest, size } = content
    const { fill, follow } = await createFillWorld({ digest, size, store: undefined, source })
    const body = follow()
    sendUpTo(size)
    await readSome(body, 1)
    await turns(100)
    expect(fill.received()).toBeLessThanOrEqual(2 * mebibyte)
    expect(await held.count()).toBeLessThanOrEqual(2 * mebibyte)
    await body.cancel()
    await fill.finished
  })
})
