import type { BlobDelivery } from '../config/config.ts'

/** What a platform is good at and what it allows, for the bytes of blobs. */
export interface Delivery {
  /** What `blobs: auto` means where both are possible. */
  readonly prefers: 'stream' | 'redirect'
  /** Bytes of the largest body that gets through; larger blobs go by link whatever else is said. */
  readonly maxStreamBytes?: number
  /** Bytes of the largest body that the platform takes from a client. */
  readonly maxUploadBytes?: number
  /** JavaScript must not touch a body: it is passed on as it comes, and stored by the `ingest` port. */
  readonly passesThrough?: boolean
}

export const streaming: Delivery = { prefers: 'stream' }

/** Whether a blob is better, or only, delivered by a link. `size` is undefined where it is not known. */
export function wantsLink(
  configured: BlobDelivery,
  delivery: Delivery,
  size: number | undefined,
): 'no' | 'rather' | 'only' {
  const { maxStreamBytes } = delivery
  if (maxStreamBytes !== undefined && size !== undefined && size > maxStreamBytes) return 'only'
  const chosen = configured === 'auto' ? delivery.prefers : configured
  if (chosen === 'redirect') return 'rather'
  // A body of unknown size may turn out too large in its middle.
  return maxStreamBytes !== undefined && size === undefined ? 'rather' : 'no'
}
