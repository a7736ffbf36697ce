import type { BlobStore, Clock, KeyValue, Logger, Ports } from '@pullway/core'
import type { Config } from '@pullway/core/config'
import {
  createMemoryBlobStore,
  createMemoryKeyValue,
  withMemory,
  withMemoryKeyValue,
} from '@pullway/memory'
import { systemClock } from './clock.ts'
import { createNodeFetch, type NodeFetch } from './fetch.ts'
import { createFilesystemBlobStore } from './filesystem-blob-store.ts'
import { createFilesystemKeyValue } from './filesystem-key-value.ts'
import { createNodeHasher } from './hasher.ts'
import { sweepExpiredState } from './sweep-state.ts'

export interface NodePorts extends Ports {
  readonly fetch: NodeFetch
}

export interface NodeStores {
  readonly ports: NodePorts
  /** Where the cache is on a disk. */
  readonly folder: string | undefined
  /** Each removes what is of no use any more. */
  readonly sweeps: readonly (() => Promise<unknown>)[]
}

const mebibyte = 1024 * 1024

/** Manifests, indexes and configs, which are asked for far more often than layers. */
const inMemory = { maxBytes: 32 * mebibyte, maxBlobBytes: mebibyte }
/** For so long another process's change of a tag may go unseen. */
const rememberSeconds = 5

/** The configuration's choice of stores, and this runtime's own way to the rest. */
export function createPorts(
  { cache, timeouts }: Config,
  logger: Logger,
  clock: Clock = systemClock,
): NodeStores {
  const blobs = createBlobs(cache, logger, clock)
  const state = createState(cache, clock)
  return {
    ports: {
      fetch: createNodeFetch({ connectMs: timeouts.connectMs }),
      blobs: blobs.store,
      state: state.store,
      volatile: createMemoryKeyValue({ clock }),
      clock,
      createHasher: createNodeHasher,
      logger,
    },
    folder: cache.blobs.driver === 'filesystem' ? cache.blobs.path : undefined,
    sweeps: [...blobs.sweeps, ...state.sweeps],
  }
}

interface Kept<Store> {
  readonly store: Store
  readonly sweeps: NodeStores['sweeps']
}

function createBlobs(
  { blobs }: Config['cache'],
  logger: Logger,
  clock: Clock,
): Kept<BlobStore | undefined> {
  switch (blobs.driver) {
    case 'filesystem': {
      const store = createFilesystemBlobStore({ path: blobs.path, logger, clock })
      return { store: withMemory(store, inMemory), sweeps: [() => store.sweepLeftovers()] }
    }
    case 'memory':
      return { store: createMemoryBlobStore(blobs), sweeps: [] }
    case 'none':
      return { store: undefined, sweeps: [] }
  }
}

function createState({ blobs, state }: Config['cache'], clock: Clock): Kept<KeyValue> {
  if (state.driver !== 'filesystem' || blobs.driver !== 'filesystem') {
    return { store: createMemoryKeyValue({ clock }), sweeps: [] }
  }
  const { path } = blobs
  const store = createFilesystemKeyValue({ path, clock })
  return {
    store: withMemoryKeyValue(store, { clock, rememberSeconds }),
    sweeps: [() => sweepExpiredState({ path, clock })],
  }
}
