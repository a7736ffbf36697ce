import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../clients/folder.ts'
import { findFreePort, isListening } from '../clients/port.ts'
import { startService, type Service } from '../clients/process.ts'
import { forwardTo, openDoor } from '../clients/upstream/front.ts'
import { createGate, type Gate } from '../clients/upstream/gate.ts'
import { bucket } from '../contract/s3-server.ts'
import { nameOf } from '../contract/s3-support.ts'

/** What happens to a request instead of being served. */
export type Trouble = number | 'hang'

export interface S3Service {
  readonly endpoint: string
  /** Holds the objects that it gives. */
  readonly gate: Gate
  /** From now on requests of that name (`PUT`, `part 2`) about that blob fare so. Resolves when the first has come. */
  trouble(name: string, digest: string, trouble: Trouble): Promise<void>
  /** Ends all trouble, and the connections of those that hang. */
  calm(): Promise<void>
  /** It still takes connections, and answers nothing until it goes on. */
  pause(): void
  goOn(): void
  kill(): Promise<void>
  /** With what it has on its disk. */
  start(): Promise<void>
  has(digest: string): Promise<boolean>
  /** The digests of all objects; throws where one's bytes are others than its name says. */
  digests(): Promise<readonly string[]>
  /** Files of uploads that nobody completed or aborted. */
  uploads(): Promise<readonly string[]>
  empty(): Promise<void>
  remove(): Promise<void>
}

const script = fileURLToPath(new URL('s3-process.ts', import.meta.url))
const objectSuffix = '._S3rver_object'

/** s3rver in a process of its own, behind a door that counts on nothing and can stand in its way. */
export async function startS3Service(): Promise<S3Service> {
  const folder = await makeFolder('s3')
  const port = await findFreePort()
  const buckets = join(folder.path, 'buckets', bucket)
  const gate = createGate()
  const forward = forwardTo('cdn', port, [], gate)
  let inTrouble: { name: string; hex: string; trouble: Trouble; met: () => void } | undefined

  const door = await openDoor((request, response) => {
    if (nameOf(request) !== inTrouble?.name || !request.url?.includes(inTrouble.hex)) {
      forward(request, response)
      return
    }
    const { trouble, met } = inTrouble
    met()
    if (trouble === 'hang') return
    drain(request)
    response.writeHead(trouble, { 'content-type': 'application/xml' })
    response.end('<?xml version="1.0"?>\n<Error><Code>SlowDown</Code></Error>')
  })

  const launch = (): Promise<Service> =>
    startService('s3rver', process.execPath, [script, folder.path, String(port)], () =>
      isListening(port),
    )
  let service = await launch()

  async function filesOf(): Promise<readonly string[]> {
    const found = await readdir(buckets, { recursive: true, withFileTypes: true })
    return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  }

  async function kill(): Promise<void> {
    service.signal('SIGKILL')
    await Promise.all([service.exited, door.off()])
  }

  return {
    endpoint: door.url,
    gate,
    trouble: (name, digest, trouble) =>
      new Promise((met) => {
        inTrouble = { name, hex: digest.replace('sha256:', ''), trouble, met }
      }),
    async calm() {
      inTrouble = undefined
      gate.release()
      await door.off()
      await door.on()
    },
    pause: () => service.signal('SIGSTOP'),
    goOn: () => service.signal('SIGCONT'),
    kill,
    async start() {
      inTrouble = undefined
      service = await launch()
      await door.on()
    },
    has: async (digest) => {
      const hex = digest.replace('sha256:', '')
      return (await filesOf()).some((file) => file.endsWith(`${hex}${objectSuffix}`))
    },
    async digests() {
      const objects = (await filesOf()).filter((file) => file.endsWith(objectSuffix))
      return Promise.all(objects.map(checkObject))
    },
    uploads: async () => (await filesOf()).filter(isOfUpload),
    async empty() {
      const options = { recursive: true, force: true }
      await rm(join(buckets, 'blobs'), options)
      for (const file of await filesOf()) if (isOfUpload(file)) await rm(file, options)
    },
    async remove() {
      await kill()
      await folder.remove()
    },
  }
}

function isOfUpload(file: string): boolean {
  return file.includes('_uploads/')
}

function drain(request: IncomingMessage): void {
  request.on('error', () => undefined).resume()
}

async function checkObject(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk)
  const hex = hash.digest('hex')
  if (file.endsWith(`/blobs/sha256/${hex.slice(0, 2)}/${hex}${objectSuffix}`))
    return `sha256:${hex}`
  throw new Error(`${file} has the bytes of ${hex}`)
}
