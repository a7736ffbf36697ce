import { createMemoryBlobStore } from '@pullway/memory'
import type { BlobStore } from '@pullway/core'
import { expect, test } from 'vitest'
import { withSpool } from '../../adapters/node/src/with-spool.ts'
import { describeBlobStore } from './blob-store.ts'
import { digestOf, makeBytes } from './content.ts'
import { listFiles, makeFolder } from './temporary-folder.ts'

/** As S3 is: what is half written cannot be read back. */
function withoutReadBack(store: BlobStore): BlobStore {
  return {
    ...store,
    async write(digest, size) {
      const write = await store.write(digest, size)
      return {
        append: (chunks) => write.append(chunks),
        commit: () => write.commit(),
        release: () => write.release(),
      }
    },
  }
}

describeBlobStore('a store behind local files', async () => {
  const folder = await makeFolder()
  const inner = createMemoryBlobStore({ maxBytes: 40 * 2 ** 20 })
  const store = withSpool(withoutReadBack(inner), { folder })
  return { store, leftovers: () => listFiles(folder) }
})

test('what the inner store refuses is not visible, and leaves no file', async () => {
  const folder = await makeFolder()
  const inner = createMemoryBlobStore({ maxBytes: 10 })
  const store = withSpool(inner, { folder })
  const bytes = makeBytes(100)
  const write = await store.write(digestOf(bytes))
  await write.append([bytes])
  expect(await write.read?.(10, 20)).toEqual(bytes.slice(10, 30))
  await expect(write.commit()).rejects.toThrow('no room')
  await write.release()
  expect(await store.stat(digestOf(bytes))).toBeUndefined()
  expect(await listFiles(folder)).toEqual([])
})
