import type { FileHandle } from 'node:fs/promises'
import type { GoOn } from '@pullway/core'

/** What a body stream reads from: bytes `first` to `last`, both included, of an open file. */
export interface NativeSource {
  readonly handle: FileHandle
  readonly first: number
  readonly last: number
  /** What stands in for the file from where it breaks, if there is anything. */
  readonly goOn: GoOn | undefined
}

type Take = () => NativeSource | undefined

const takes = new WeakMap<ReadableStream, Take>()

/** Lets the server have the source of a stream that nobody has read from. */
export function offerNativeBody(stream: ReadableStream, take: Take): void {
  takes.set(stream, take)
}

/**
 * The file behind a body, for the server to send by itself: a web stream costs half of the time that a cached
 * blob takes. Whoever takes it closes the handle; the stream no longer touches it. Undefined: read the stream.
 */
export function takeNativeBody(stream: ReadableStream): NativeSource | undefined {
  if (stream.locked) return undefined
  return takes.get(stream)?.()
}
