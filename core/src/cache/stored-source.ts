import type { ByteRange, Clock, GoOn, StoredBlob } from '../ports.ts'
import { watchIdle } from '../upstream/idle.ts'
import type { Source } from './source.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** Content of the store in the form of a download. */
export function toSource(content: StoredBlob['content']): Source {
  const stream = content instanceof Uint8Array ? new Blob([content]).stream() : content
  const reader = stream.getReader()
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? undefined : value
    },
    cancel: (reason) => reader.cancel(reason).catch(() => undefined),
    // The store checks itself.
    blame: () => undefined,
  }
}

export interface MendOptions {
  readonly goOn: GoOn
  readonly clock: Clock
  readonly idleMs: number
}

/** Content of the store that goes on from another place where it breaks, ends too early or falls silent. */
export function mend(
  stored: StoredBlob,
  range: ByteRange,
  options: MendOptions,
): StoredBlob['content'] {
  const { content } = stored
  if (content instanceof Uint8Array) return content
  if (!stored.whenBroken) return readThrough(content, range, options)
  stored.whenBroken(options.goOn)
  return content
}

function readThrough(
  content: ReadableStream<Bytes>,
  { first, last }: ByteRange,
  { goOn, clock, idleMs }: MendOptions,
): ReadableStream<Bytes> {
  let source = toSource(content)
  let position = first
  let isMended = false
  let isCancelled = false
  let isReading = false
  let ticks = 0
  let unwatch: (() => void) | undefined

  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        if (position > last) return finish(controller)
        const chunk = isMended ? await source.next() : await next()
        if (!chunk) throw new Error('what stands in for stored content ends too early')
        const wanted = chunk.subarray(0, last + 1 - position)
        position += wanted.byteLength
        controller.enqueue(wanted)
        if (position > last) await finish(controller)
      },
      async cancel(reason) {
        isCancelled = true
        unwatch?.()
        await source.cancel(reason)
      },
    },
    // Nothing is read ahead of the client.
    { highWaterMark: 0 },
  )

  async function next(): Promise<Bytes | undefined> {
    // Silence counts only while something is waited for.
    unwatch ??= watchIdle(clock, idleMs, () => (isReading ? ticks : ++ticks), silence)
    isReading = true
    try {
      const chunk = await source.next()
      if (chunk) return chunk
      throw new Error(`the store's content ends at byte ${String(position)}`)
    } catch (error) {
      return await change(error)
    } finally {
      isReading = false
      ticks++
    }
  }

  function hasLeft(): boolean {
    return isCancelled
  }

  async function change(error: unknown): Promise<Bytes | undefined> {
    unwatch?.()
    if (hasLeft()) throw error
    isMended = true
    source = toSource((await goOn(position, error)) as ReadableStream<Bytes>)
    if (hasLeft()) await source.cancel('the client has gone')
    return source.next()
  }

  async function finish(controller: ReadableStreamDefaultController<Bytes>): Promise<void> {
    unwatch?.()
    controller.close()
    await source.cancel('nothing more is wanted')
  }

  function silence(): void {
    void source.cancel('it has fallen silent')
  }
}
