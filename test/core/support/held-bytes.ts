import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Bytes } from '../../contract/content.ts'
import { turns } from './turns.ts'

export interface HeldBytes {
  /** Watches a chunk's memory, without holding it. */
  watch(chunk: Bytes): Bytes
  /** Of all watched chunks, the bytes that something still holds. */
  count(): Promise<number>
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

export function createHeldBytes(): HeldBytes {
  const watched: WeakRef<ArrayBuffer>[] = []
  return {
    watch(chunk) {
      watched.push(new WeakRef(chunk.buffer))
      return chunk
    },
    async count() {
      // A reference that was looked at lives on until the turn ends.
      await turns(2)
      collectGarbage()
      await turns(2)
      collectGarbage()
      return watched.reduce((sum, buffer) => sum + (buffer.deref()?.byteLength ?? 0), 0)
    },
  }
}
