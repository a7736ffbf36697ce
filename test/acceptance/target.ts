import type { TargetName } from './capabilities.ts'

/** A configuration document; a target adds what its platform decides: where to listen, where to keep. */
export interface Document {
  readonly upstreams: Readonly<Record<string, object>>
  readonly cache?: object
  readonly timeouts?: object
  readonly [key: string]: unknown
}

export interface Running {
  /** The origin, always of this machine. */
  readonly url: string
  /** All that it has logged so far, its access log included. */
  log(): string
  /** Stops it and starts it again at the same address, with the cache that it had where that outlives it. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Pullway in one of its real runtimes. */
export interface Target {
  readonly name: TargetName
  start(document: Document): Promise<Running>
}
