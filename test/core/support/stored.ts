import type { BlobStore } from '@pullway/core'
import type { Content } from './images.ts'

export async function storeContents(
  store: BlobStore,
  ...contents: readonly Content[]
): Promise<void> {
  for (const { digest, bytes } of contents) {
    const write = await store.write(digest, bytes.byteLength)
    await write.append([bytes])
    await write.commit()
    await write.release()
  }
}
