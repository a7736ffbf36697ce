import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCdn } from './cdn.ts'
import { forwardTo, openDoor, type Asked, type Door, type Host } from './front.ts'
import { createGate, type Gate } from './gate.ts'
import type { Image } from './images.ts'
import { pushImage } from './push.ts'
import { startRegistry } from './registry.ts'
import { answerTokens, makeSigningKey, service, type Account } from './token.ts'

/**
 * A registry like Docker Hub, of real parts: docker-registry with bearer tokens, its blobs redirected to
 * nginx, and before all of them a front that counts.
 */
export interface Upstream {
  readonly url: string
  /** The registry's host and port, as in an image's name. */
  readonly host: string
  /** Where each of its hosts is. */
  readonly doors: Readonly<Record<Host, string>>
  seed(...images: readonly Image[]): Promise<void>
  /** What was asked since the last `forget`, in order. */
  asked(filter?: Partial<Pick<Asked, 'host' | 'kind' | 'method'>>): readonly Asked[]
  forget(): void
  /** Refuses connections: to the registry, the realm and the CDN, or to some of them. */
  off(...hosts: readonly Host[]): Promise<void>
  on(): Promise<void>
  /** Holds the CDN's bodies. */
  readonly cdn: Gate
  stop(): Promise<void>
}

export const reader = { username: 'reader', password: 'reader-password' }
/** Has private images of its own. */
export const owner = { username: 'owner', password: 'owner-password' }
/** Has an account, too, and nothing to do with the owner's images. */
export const stranger = { username: 'stranger', password: 'stranger-password' }
const seeder = { username: 'seeder', password: 'seeder-password' }

function isStrangers(repository: string): boolean {
  return repository.startsWith('private/stranger-')
}

const accounts: readonly Account[] = [
  { ...reader, mayPull: () => true, mayPush: () => false },
  { ...seeder, mayPull: () => true, mayPush: () => true },
  { ...owner, mayPull: () => true, mayPush: () => true },
  { ...stranger, mayPull: isStrangers, mayPush: isStrangers },
]

export async function startUpstream(): Promise<Upstream> {
  const folder = await mkdtemp(join(tmpdir(), 'pw-up-'))
  const storage = join(folder, 'storage')
  await mkdir(storage)
  const asked: Asked[] = []
  const gate = createGate()
  const key = await makeSigningKey(folder)
  const nginx = await startCdn(folder, storage)
  const isPublic = (repository: string): boolean => !repository.startsWith('private/')
  const token = await openDoor(answerTokens(key, accounts, isPublic, asked))
  const cdn = await openDoor(forwardTo('cdn', nginx.port, asked, gate))
  const { certificateFile } = key
  const realm = `${token.url}/token`
  const registry = await startRegistry({ folder, storage, realm, certificateFile, cdn: cdn.url })
  const front = await openDoor(forwardTo('registry', registry.port, asked, createGate()))
  const doors: Record<Host, Door> = { registry: front, token, cdn }
  const target = { registry: `http://127.0.0.1:${registry.port}`, realm, service, ...seeder }
  const off: Upstream['off'] = async (...hosts) => {
    const meant = hosts.length > 0 ? hosts.map((host) => doors[host]) : Object.values(doors)
    await Promise.all(meant.map((door) => door.off()))
  }

  return {
    url: front.url,
    host: `127.0.0.1:${front.port}`,
    doors: { registry: front.url, token: token.url, cdn: cdn.url },
    seed: async (...images) => {
      for (const image of images) await pushImage(target, image)
      asked.length = 0
    },
    asked: (filter = {}) =>
      asked.filter((one) =>
        Object.entries(filter).every(([key, value]) => one[key as keyof Asked] === value),
      ),
    forget: () => {
      asked.length = 0
    },
    off,
    on: async () => {
      await Promise.all(Object.values(doors).map((door) => door.on()))
    },
    cdn: gate,
    stop: async () => {
      gate.release()
      await off()
      await Promise.all([registry.process.stop(), nginx.stop()])
      await rm(folder, { recursive: true })
    },
  }
}
