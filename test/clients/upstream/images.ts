import { randomFillSync } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { toDigest } from '../digest.ts'
import { formatTarFile } from './tar.ts'

export interface Content {
  readonly mediaType: string
  readonly digest: string
  readonly bytes: Buffer
}

/** An image as it is pushed: what a manifest names comes before it. */
export interface Image {
  readonly repository: string
  readonly tag: string
  readonly blobs: readonly Content[]
  /** In the order to push; the last is the one that the tag names. */
  readonly manifests: readonly Content[]
  readonly digest: string
  /** What a client on the usual platform ends with. */
  readonly usual: UsualImage
}

interface UsualImage {
  /** Of the platform's own manifest. */
  readonly digest: string
  /** Of the config, which clients call the image's ID. */
  readonly id: string
  readonly diffIds: readonly string[]
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

const oci = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
}

const schema2 = {
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
}

const forms = { oci, schema2 }

const usualPlatform: Platform = { os: 'linux', architecture: 'amd64' }

export function makeImage(
  name: string,
  layerSizes: readonly number[],
  form: keyof typeof forms = 'oci',
  platform: Platform = usualPlatform,
): Image {
  const [repository, tag] = splitName(name)
  const types = forms[form]
  const layers = layerSizes.map((size, number) =>
    makeLayer(`layer-${number}.bin`, size, types.layer),
  )
  const config = toContent(types.config, {
    ...platform,
    config: { Labels: { 'org.example.name': name } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map((_, number) => ({ created_by: `layer ${number}` })),
  })
  const contents = layers.map(({ content }) => content)
  const manifest = toContent(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: toDescriptor(config),
    layers: contents.map(toDescriptor),
  })
  const { digest } = manifest
  const usual = { digest, id: config.digest, diffIds: layers.map(({ diffId }) => diffId) }
  return { repository, tag, blobs: [config, ...contents], manifests: [manifest], digest, usual }
}

/** One image for several platforms, the usual one first, each with layers of its own, under an index. */
export function makeMultiImage(
  name: string,
  platforms: readonly Platform[],
  layerSizes: readonly number[],
): Image {
  const [repository, tag] = splitName(name)
  const images = [usualPlatform, ...platforms].map((platform) => ({
    platform,
    ...makeImage(name, layerSizes, 'oci', platform),
  }))
  const index = toContent(oci.index, {
    schemaVersion: 2,
    mediaType: oci.index,
    manifests: images.flatMap(({ platform, manifests }) =>
      manifests.map((manifest) => ({ ...toDescriptor(manifest), platform })),
    ),
  })
  return {
    repository,
    tag,
    blobs: images.flatMap((image) => image.blobs),
    manifests: [...images.flatMap((image) => image.manifests), index],
    digest: index.digest,
    usual: images[0]!.usual,
  }
}

function makeLayer(
  name: string,
  size: number,
  mediaType: string,
): { readonly content: Content; readonly diffId: string } {
  const tar = formatTarFile(name, randomFillSync(Buffer.allocUnsafe(size)))
  // Random bytes do not shrink; level 0 only spares the time.
  const bytes = gzipSync(tar, { level: 0 })
  return { content: { mediaType, digest: toDigest(bytes), bytes }, diffId: toDigest(tar) }
}

function toContent(mediaType: string, value: unknown): Content {
  const bytes = Buffer.from(JSON.stringify(value))
  return { mediaType, digest: toDigest(bytes), bytes }
}

function toDescriptor({ mediaType, digest, bytes }: Content): object {
  return { mediaType, digest, size: bytes.byteLength }
}

function splitName(name: string): [repository: string, tag: string] {
  const colon = name.lastIndexOf(':')
  return [name.slice(0, colon), name.slice(colon + 1)]
}
