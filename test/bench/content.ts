import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Sizes } from './settings.ts'

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'

export interface Content {
  readonly folder: string
  readonly manifest: { readonly digest: string; readonly size: number }
  readonly blob: Blob
  readonly herdBlob: Blob
}

export interface Blob {
  readonly digest: string
  readonly path: string
  readonly size: number
}

const mebibyte = 1024 ** 2

/** What the upstream serves: one manifest as text, two blobs of random bytes. */
export function writeContent(folder: string, sizes: Sizes): Content {
  mkdirSync(join(folder, 'manifests'), { recursive: true })
  mkdirSync(join(folder, 'blobs'))
  const manifest = manifestText()
  const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`
  for (const reference of ['latest', digest]) {
    writeFileSync(join(folder, 'manifests', reference), manifest)
  }
  return {
    folder,
    manifest: { digest, size: manifest.length },
    blob: writeBlob(folder, 'bench/blob', sizes.blobMebibytes),
    herdBlob: writeBlob(folder, 'bench/herd', sizes.herdMebibytes),
  }
}

/** 1.9 kB, the size of a common image's manifest. Its layers are never asked for. */
function manifestText(): string {
  const descriptor = (mediaType: string, index: number): object => ({
    mediaType: `application/vnd.oci.image.${mediaType}`,
    digest: `sha256:${createHash('sha256').update(`${mediaType} ${index}`).digest('hex')}`,
    size: 1_000_000 + index,
  })
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor('config.v1+json', 0),
    layers: Array.from({ length: 10 }, (_, index) => descriptor('layer.v1.tar+gzip', index)),
  })
}

function writeBlob(folder: string, repository: string, mebibytes: number): Blob {
  const hash = createHash('sha256')
  const piece = Buffer.alloc(mebibyte)
  const unnamed = join(folder, `${mebibytes}.partial`)
  const file = openSync(unnamed, 'w')
  for (let written = 0; written < mebibytes; written += 1) {
    hash.update(randomFillSync(piece))
    writeSync(file, piece)
  }
  closeSync(file)
  const digest = `sha256:${hash.digest('hex')}`
  renameSync(unnamed, join(folder, 'blobs', digest))
  return { digest, path: `/v2/${repository}/blobs/${digest}`, size: mebibytes * mebibyte }
}
