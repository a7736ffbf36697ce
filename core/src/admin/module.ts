import type { Gate } from '../access/gate.ts'
import type { Config } from '../config/config.ts'
import type { RegistryError } from '../errors.ts'
import type { Exchange } from '../observe/exchange.ts'
import type { UpstreamState } from '../upstream/state.ts'

/** What `@pullway/core/admin` exports. */
export interface AdminModule {
  readonly createAdmin: (sources: AdminSources) => Admin
}

/** All that the admin API has of the mirror: it may come in a bundle of its own, and shares no class with us. */
export interface AdminSources {
  readonly config: Pick<Config, 'access'>
  readonly gate: Pick<Gate, 'identify'>
  /** How all upstreams fare, now. */
  readonly states: () => readonly UpstreamState[]
  readonly refuse: (...words: ConstructorParameters<typeof RegistryError>) => RegistryError
}

/** Throws what the app makes a Response of, as for all other requests. */
export type Admin = (request: Request, exchange: Exchange) => Promise<Response>
