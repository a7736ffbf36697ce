/** An S3 service of its own, for the tests that kill it. With `stall` it takes some bytes of a body, never all. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createS3Server } from './s3-server.ts'

const [folder = '', port = '0', stall] = process.argv.slice(2)
const mib = 1024 * 1024

async function stallAt(size: number): Promise<void> {
  if (size < 3 * mib) return
  process.stdout.write('stalled\n')
  await new Promise(() => undefined)
}

let isFirst = true
const server = await createS3Server(folder, {
  intercept({ url = '' }) {
    // The first part is taken, so that an upload stands with something in it.
    isFirst = url.includes('partNumber=1&')
    return false
  },
  onBytes: (size) => (stall === undefined || isFirst ? Promise.resolve() : stallAt(size)),
})
server.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
// Ends with the test that started it, whatever happens to that.
process.stdin.on('end', () => process.exit()).resume()
