import { FetchError, type Fetch } from '@pullway/core'
import type { Image } from '../registry/index.ts'
import { answerApi } from './api.ts'
import { answerRealm } from './realm.ts'

/** One exchange as the registry saw it. */
export interface Call {
  /** `PUT registry.test/v2/team/app/manifests/1`, without the query. */
  readonly line: string
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: Buffer
  readonly isStreamed: boolean
  readonly network: 'public' | 'any'
}

export interface Settings {
  /** How it lets clients in. */
  readonly scheme: 'bearer' | 'basic' | 'open'
  readonly realm: string
  /** By user name. */
  readonly passwords: Readonly<Record<string, string>>
  readonly mayDo: (user: string | undefined, repository: string, action: string) => boolean
  /** Of a token; undefined: it does not say. */
  readonly lifeSeconds: number | undefined
  /** Where an upload goes on, instead of below the repository. */
  readonly locate: (path: string) => string
  /** In place of its own answer. */
  readonly instead: (call: Call) => Response | Error | undefined
}

export interface Stored {
  readonly tags: Map<string, string>
  readonly manifests: Map<string, { readonly mediaType: string; readonly bytes: Buffer }>
  readonly blobs: Map<string, Buffer>
}

export interface Upload {
  readonly repository: string
  bytes: Buffer
}

export interface Registry {
  settings: Settings
  readonly repositories: Map<string, Stored>
  readonly uploads: Map<string, Upload>
  /** Users by token; undefined: nobody. */
  readonly tokens: Map<string, Granted>
}

export interface Granted {
  readonly user: string | undefined
  /** `team/app:pull` */
  readonly rights: ReadonlySet<string>
}

export interface AccountRegistry {
  readonly fetch: Fetch
  readonly calls: readonly Call[]
  /** The lines of the calls since the last time. */
  takeLines(): string[]
  put(repository: string, tag: string, image: Image): void
  change(settings: Partial<Settings>): void
  readonly repositories: ReadonlyMap<string, Stored>
  /** Forgets all tokens that it gave, as a registry does with rights that were taken away. */
  revoke(): void
}

const plain: Settings = {
  scheme: 'bearer',
  realm: 'https://auth.registry.test/token',
  passwords: { owner: 'owner-password', stranger: 'stranger-password' },
  mayDo: (user, repository, action) =>
    user === 'owner' || (!repository.startsWith('private/') && action === 'pull'),
  lifeSeconds: 300,
  locate: (path) => path,
  instead: () => undefined,
}

/** A registry whose clients have accounts, each with rights of its own, and push: at registry.test. */
export function createAccountRegistry(settings: Partial<Settings> = {}): AccountRegistry {
  const calls: Call[] = []
  const registry: Registry = {
    settings: { ...plain, ...settings },
    repositories: new Map(),
    uploads: new Map(),
    tokens: new Map(),
  }
  let taken = 0

  return {
    calls,
    repositories: registry.repositories,
    async fetch(request, { network, streamsBody }) {
      const url = new URL(request.url)
      const { method } = request
      const body = Buffer.from(await request.arrayBuffer())
      const line = `${method} ${url.host}${url.pathname}`
      const headers = new Headers(request.headers)
      const call = { line, method, url, headers, body, isStreamed: streamsBody === true, network }
      calls.push(call)
      const scripted = registry.settings.instead(call)
      if (scripted instanceof Error) throw scripted
      return scripted ?? answer(registry, call)
    },
    takeLines() {
      const lines = calls.slice(taken).map(({ line }) => line)
      taken = calls.length
      return lines
    },
    put(repository, tag, image) {
      const stored = storedIn(registry, repository)
      for (const { digest, mediaType, bytes } of image.manifests)
        stored.manifests.set(digest, { mediaType, bytes: Buffer.from(bytes) })
      for (const { digest, bytes } of image.blobs) stored.blobs.set(digest, Buffer.from(bytes))
      stored.tags.set(tag, image.root.digest)
    },
    change(changed) {
      registry.settings = { ...registry.settings, ...changed }
    },
    revoke: () => {
      registry.tokens.clear()
    },
  }
}

function answer(registry: Registry, call: Call): Response {
  const { realm } = registry.settings
  if (call.url.origin + call.url.pathname === realm) return answerRealm(registry, call)
  if (call.url.host === 'registry.test' || call.url.host === 'uploads.registry.test')
    return answerApi(registry, call)
  throw new FetchError('unreachable', `nobody plays ${call.url.host}`)
}

export function storedIn(registry: Registry, repository: string): Stored {
  const stored = registry.repositories.get(repository) ?? {
    tags: new Map(),
    manifests: new Map(),
    blobs: new Map(),
  }
  registry.repositories.set(repository, stored)
  return stored
}
