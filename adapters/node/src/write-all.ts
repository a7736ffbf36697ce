import type { FileHandle } from 'node:fs/promises'

/** All bytes, though one call may write less than it was given. Gives their number. */
export async function writeAll(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  start: number,
): Promise<number> {
  let position = start
  let rest = chunks.filter((chunk) => chunk.byteLength > 0)
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, position)
    if (bytesWritten === 0) throw new Error('The disk takes no more bytes')
    position += bytesWritten
    rest = without(rest, bytesWritten)
  }
  return position - start
}

function without(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  const firstUnwritten = chunks.findIndex((chunk) => {
    if (left < chunk.byteLength) return true
    left -= chunk.byteLength
    return false
  })
  if (firstUnwritten === -1) return []
  const [first, ...others] = chunks.slice(firstUnwritten)
  return first === undefined ? [] : [first.subarray(left), ...others]
}
