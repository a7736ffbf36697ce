/** A process that writes a blob and never ends: for the tests that kill one. */
import { createFilesystemBlobStore } from '../../adapters/node/src/filesystem-blob-store.ts'
import { systemClock } from '../../adapters/node/src/clock.ts'
import { createMemoryLogger } from './memory-logger.ts'

const [path = ''] = process.argv.slice(2)
const store = createFilesystemBlobStore({
  path,
  clock: systemClock,
  logger: createMemoryLogger(),
})
const write = await store.write(`sha256:${'ab'.repeat(32)}`)
await write.append([new Uint8Array(1000)])
process.stdout.write('writing\n')
// Ends with the test that started it, whatever happens to that.
process.stdin.on('end', () => process.exit()).resume()
