import type { StoredBlob } from '../ports.ts'
import type { Source } from './source.ts'

/** Content of the store in the form of a download. */
export function toSource({ content }: StoredBlob): Source {
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
