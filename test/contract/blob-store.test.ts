import { createMemoryBlobStore, withMemory } from '@pullway/memory'
import { createFilesystemBlobStore } from '../../adapters/node/src/filesystem-blob-store.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { type BlobStoreUnderTest, describeBlobStore } from './blob-store.ts'
import { createMemoryLogger } from './memory-logger.ts'
import { listFiles, makeFolder } from './temporary-folder.ts'

const mib = 1024 * 1024

async function makeFilesystem(maxBytes?: number): Promise<BlobStoreUnderTest> {
  const path = await makeFolder()
  return {
    store: createFilesystemBlobStore({
      path,
      clock: createFakeClock(),
      logger: createMemoryLogger(),
      maxBytes,
    }),
    leftovers: async () => {
      const whole = /^blobs\/(?:sha256|sha512)\/[0-9a-f]{2}\/[0-9a-f]{64,128}$/
      return (await listFiles(path)).filter((file) => !whole.test(file))
    },
  }
}

const small = { maxBytes: 4 * mib, maxBlobBytes: 256 * 1024 }

describeBlobStore('memory', async () => ({
  store: createMemoryBlobStore({ maxBytes: 40 * mib }),
  leftovers: async () => [],
}))

describeBlobStore('filesystem', () => makeFilesystem())

describeBlobStore('filesystem with a limit', () => makeFilesystem(40 * mib))

describeBlobStore('memory in front of filesystem', async () => {
  const { store, leftovers } = await makeFilesystem()
  return { store: withMemory(store, small), leftovers }
})

describeBlobStore('memory in front of memory', async () => ({
  store: withMemory(createMemoryBlobStore({ maxBytes: 40 * mib }), small),
  leftovers: async () => [],
}))
