import { manifestTypes } from '../../../core/src/request/accept.ts'
import { type Bytes, digestOf, makeBytes } from '../../contract/content.ts'
import type { Digest } from '@pullway/core'

const [ociIndex, , ociManifest] = manifestTypes

export interface Content {
  readonly bytes: Bytes
  readonly digest: Digest
  readonly mediaType: string
}

export interface Image extends Content {
  readonly blobs: readonly Content[]
}

export interface Index extends Content {
  readonly images: readonly Image[]
}

export function contentOf(bytes: Bytes, mediaType = 'application/octet-stream'): Content {
  return { bytes, digest: digestOf(bytes), mediaType }
}

/** An image with a config and layers of its own; another seed is another image. */
export function makeImage(seed: number, layerCount = 2, mediaType: string = ociManifest): Image {
  const config = contentOf(makeBytes(60, seed), 'application/vnd.oci.image.config.v1+json')
  const layers = Array.from({ length: layerCount }, (_, index) =>
    contentOf(
      makeBytes(1_000, seed * 1_000 + index + 1),
      'application/vnd.oci.image.layer.v1.tar+gzip',
    ),
  )
  const manifest = toJson({
    schemaVersion: 2,
    mediaType,
    config: descriptorOf(config),
    layers: layers.map(descriptorOf),
  })
  return { ...contentOf(manifest, mediaType), blobs: [config, ...layers] }
}

export function makeIndex(...images: readonly Image[]): Index {
  const manifests = images.map((image) => ({
    ...descriptorOf(image),
    platform: { os: 'linux', architecture: 'amd64' },
  }))
  const bytes = toJson({ schemaVersion: 2, mediaType: ociIndex, manifests })
  return { ...contentOf(bytes, ociIndex), images }
}

function descriptorOf({ mediaType, digest, bytes }: Content) {
  return { mediaType, digest, size: bytes.byteLength }
}

/** Indented, as no program writes it again: byte for byte matters. */
function toJson(value: unknown): Bytes {
  return new Uint8Array(new TextEncoder().encode(`${JSON.stringify(value, null, 3)}\n`))
}
