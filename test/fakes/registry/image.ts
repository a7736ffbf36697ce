import { createHash } from 'node:crypto'

/** A manifest or blob: bytes that have a digest. */
export interface Content {
  readonly digest: string
  readonly mediaType: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface Image {
  /** What a tag points to: a manifest or an index. */
  readonly root: Content
  /** All manifests, the root first, then in the order of the index. */
  readonly manifests: readonly Content[]
  readonly blobs: readonly Content[]
}

export interface ImageOptions {
  readonly seed?: number
  readonly layers?: number
  readonly layerBytes?: number
  readonly format?: 'oci' | 'docker'
  readonly algorithm?: 'sha256' | 'sha512'
}

export interface SingleImageOptions extends ImageOptions {
  readonly architecture?: string
  readonly artifactType?: string
  /** Makes it a referrer of that manifest. */
  readonly subject?: Content
}

export interface MultiArchOptions extends ImageOptions {
  readonly architectures?: readonly string[]
  /** Follows each platform with an `unknown/unknown` entry, as BuildKit does. */
  readonly attestations?: boolean
}

export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

const typesOf = {
  oci: {
    index: mediaTypes.ociIndex,
    manifest: mediaTypes.ociManifest,
    config: mediaTypes.ociConfig,
    layer: mediaTypes.ociLayer,
  },
  docker: {
    index: mediaTypes.dockerList,
    manifest: mediaTypes.dockerManifest,
    config: mediaTypes.dockerConfig,
    layer: mediaTypes.dockerLayer,
  },
} as const

/** An image for one platform. */
export function buildImage(options: SingleImageOptions = {}): Image {
  const { seed = 1, layers = 2, layerBytes = 1000, format = 'oci', algorithm = 'sha256' } = options
  const types = typesOf[format]
  const layerBlobs = Array.from({ length: layers }, (_, position) =>
    contentOf(types.layer, seededBytes(seed * 1000 + position, layerBytes + position), algorithm),
  )
  const config = contentOf(
    types.config,
    textBytes(
      JSON.stringify({
        architecture: options.architecture ?? 'amd64',
        os: 'linux',
        created: new Date(seed * 1000).toISOString(),
        rootfs: { type: 'layers', diff_ids: layerBlobs.map((layer) => layer.digest) },
      }),
    ),
    algorithm,
  )
  const manifest = jsonContent(
    types.manifest,
    {
      schemaVersion: 2,
      mediaType: types.manifest,
      ...(options.artifactType === undefined ? {} : { artifactType: options.artifactType }),
      config: descriptorOf(config),
      layers: layerBlobs.map(descriptorOf),
      ...(options.subject === undefined ? {} : { subject: descriptorOf(options.subject) }),
    },
    format,
    algorithm,
  )
  return { root: manifest, manifests: [manifest], blobs: [config, ...layerBlobs] }
}

/** An image for several platforms: an OCI index or a Docker manifest list. */
export function buildMultiArch(options: MultiArchOptions = {}): Image {
  const { seed = 1, format = 'oci', algorithm = 'sha256', architectures } = options
  const platforms = (architectures ?? ['amd64', 'arm64']).flatMap((architecture, position) => {
    const image = buildImage({ ...options, architecture, seed: seed * 10 + position })
    const platform = { image, platform: { architecture, os: 'linux' }, annotations: undefined }
    if (options.attestations === false) return [platform]
    const attestation = buildImage({ ...options, layers: 1, seed: seed * 10 + position + 5000 })
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': image.root.digest,
    }
    const unknown = { architecture: 'unknown', os: 'unknown' }
    return [platform, { image: attestation, platform: unknown, annotations }]
  })
  const index = jsonContent(
    typesOf[format].index,
    {
      schemaVersion: 2,
      mediaType: typesOf[format].index,
      manifests: platforms.map(({ image, platform, annotations }) => ({
        ...descriptorOf(image.root),
        ...(annotations === undefined ? {} : { annotations }),
        platform,
      })),
    },
    format,
    algorithm,
  )
  return {
    root: index,
    manifests: [index, ...platforms.map(({ image }) => image.root)],
    blobs: platforms.flatMap(({ image }) => image.blobs),
  }
}

export function contentOf(
  mediaType: string,
  bytes: Uint8Array<ArrayBuffer>,
  algorithm: 'sha256' | 'sha512' = 'sha256',
): Content {
  return { digest: digestOf(bytes, algorithm), mediaType, bytes }
}

export function digestOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

/** Bytes that look random and are the same in every run (xorshift32). */
function seededBytes(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let state = (seed ^ 0x9e3779b9) | 1
  for (let position = 0; position < length; position++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[position] = state
  }
  return bytes
}

export function descriptorOf(content: Content): object {
  return { mediaType: content.mediaType, size: content.bytes.length, digest: content.digest }
}

/**
 * Three blanks, and Docker Hub's escaped slashes in lists: whoever parses and prints again changes the digest
 * (registries.md, section 0, item 9).
 */
function jsonContent(
  mediaType: string,
  value: object,
  format: 'oci' | 'docker',
  algorithm: 'sha256' | 'sha512',
): Content {
  const text = JSON.stringify(value, null, 3)
  const written = format === 'docker' ? text.replaceAll('/', '\\/') : text
  return contentOf(mediaType, textBytes(written), algorithm)
}

function textBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
