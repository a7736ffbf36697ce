import { createHash } from 'node:crypto'
import type { Digest, HashAlgorithm, StoredBlob } from '@pullway/core'

export type Bytes = Uint8Array<ArrayBuffer>

/** Bytes that are the same in each run and repeat nowhere: a chunk in the wrong place shows. */
export function makeBytes(length: number, seed: number = 1): Bytes {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[index] = state >>> 24
  }
  return bytes
}

export function digestOf(bytes: Uint8Array, algorithm: HashAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

/** All that a stored blob gives; chunks are joined at the end only, so that one used twice shows. */
export async function readContent({ content }: StoredBlob): Promise<Bytes> {
  if (content instanceof Uint8Array) return content
  const chunks: Bytes[] = []
  for await (const chunk of content) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** A failed comparison of megabytes must not print them. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

export function inPieces(bytes: Bytes, pieceBytes: number): Bytes[] {
  const pieces: Bytes[] = []
  for (let start = 0; start < bytes.byteLength; start += pieceBytes) {
    pieces.push(bytes.subarray(start, start + pieceBytes))
  }
  return pieces
}
