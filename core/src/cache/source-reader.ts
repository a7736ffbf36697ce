import type { Source } from './source.ts'

export interface SourceReader {
  /** Puts what comes next into the view; 0 at the end. */
  read(view: Uint8Array): Promise<number>
  cancel(reason: unknown): Promise<void>
  blame(what: string): void
}

/** Keeps what of a chunk finds no room for the next read. */
export function createSourceReader(source: Source): SourceReader {
  let rest: Uint8Array | undefined
  return {
    async read(view) {
      rest ??= await source.next()
      if (!rest) return 0
      const bytes = rest.subarray(0, view.byteLength)
      rest = bytes.byteLength < rest.byteLength ? rest.subarray(bytes.byteLength) : undefined
      view.set(bytes)
      return bytes.byteLength
    },
    cancel: (reason) => source.cancel(reason),
    blame: (what) => source.blame(what),
  }
}
