import type { Delivery } from '@pullway/core'
import { createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import {
  createAccountRegistry,
  type AccountRegistry,
  type Settings,
} from '../fakes/accounts/registry.ts'
import { buildImage, type Image } from '../fakes/registry/index.ts'

export interface RelayWorld {
  readonly registry: AccountRegistry
  readonly mirror: TestMirror
  /** Logs in at our token endpoint, for scopes as the client names them, and gives the Authorization header. */
  readonly login: (user: string | undefined, ...scopes: string[]) => Promise<string>
}

export const secret: Image = buildImage({ seed: 21 })
export const open: Image = buildImage({ seed: 22 })

const upstream = {
  clientCredentials: 'relay',
  endpoints: [{ url: 'https://registry.test' }],
}

export interface RelayWorldOptions {
  readonly settings?: Partial<Settings>
  /** Laid over the configuration's top. */
  readonly config?: object
  /** Laid over the upstream's. */
  readonly upstream?: object
  readonly delivery?: Delivery
}

/** A mirror whose clients log in at registry.test, which has a private and a public repository. */
export function createRelayWorld(options: RelayWorldOptions = {}): RelayWorld {
  const registry = createAccountRegistry(options.settings)
  registry.put('private/app', 'latest', secret)
  registry.put('public/app', 'latest', open)
  const mirror = createTestMirror({
    fetch: registry.fetch,
    ...(options.delivery && { delivery: options.delivery }),
    // YAML reads JSON.
    config: JSON.stringify({
      upstreams: { 'registry.test': { ...upstream, ...options.upstream } },
      ...options.config,
    }),
  })
  return {
    registry,
    mirror,
    async login(user, ...scopes) {
      const query = new URLSearchParams(scopes.map((scope) => ['scope', scope]))
      query.set('service', 'registry.test')
      const headers = user === undefined ? {} : { authorization: basicOf(user) }
      const answer = await mirror.get(`/token?${query.toString()}`, headers)
      if (answer.status !== 200) throw new Error(`${String(answer.status)}: ${answer.text}`)
      return `Bearer ${(JSON.parse(answer.text) as { token: string }).token}`
    },
  }
}

export function basicOf(user: string, password = `${user}-password`): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
