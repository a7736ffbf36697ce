import { toDigest } from './digest.ts'

/** What a client holds of an image after a pull, by its own account or read from its store. */
export interface Stored {
  /** Of the top manifest; also of the platform's own, where the client tells both. */
  readonly digests: readonly string[]
  /** The config's digest. */
  readonly id: string
  readonly diffIds: readonly string[]
}

export interface Client {
  /** Pulls an image, named as a person would name it for this client. */
  pull(image: string): Promise<Stored>
  /** Drops everything that it pulled. */
  forget(): Promise<void>
  stop(): Promise<void>
}

interface Descriptor {
  readonly digest: string
  readonly platform?: { readonly architecture: string }
}

interface Manifest {
  readonly manifests?: readonly Descriptor[]
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
}

/**
 * Walks an image in a content store, with every byte hashed again. Platforms other than the usual one are
 * walked too where the store has to hold them.
 */
export async function walkStored(
  digest: string,
  read: (digest: string) => Promise<Buffer>,
  allPlatforms = false,
): Promise<Stored> {
  const manifest = await readJson<Manifest>(digest, read)
  if (!manifest.manifests) return { ...(await walkPlatform(manifest, read)), digests: [digest] }
  const isUsual = ({ platform }: Descriptor): boolean => platform?.architecture === 'amd64'
  const usual = manifest.manifests.find(isUsual)
  if (!usual) throw new Error(`no amd64 in ${digest}`)
  const others = manifest.manifests.filter((one) => allPlatforms && !isUsual(one))
  for (const other of others) await walkStored(other.digest, read)
  const stored = await walkStored(usual.digest, read)
  return { ...stored, digests: [digest, usual.digest] }
}

async function walkPlatform(
  { config, layers }: Manifest,
  read: (digest: string) => Promise<Buffer>,
): Promise<Omit<Stored, 'digests'>> {
  if (!config || !layers) throw new Error('a manifest without config or layers')
  for (const layer of layers) await readVerified(layer.digest, read)
  const { rootfs } = await readJson<{ readonly rootfs: { readonly diff_ids: readonly string[] } }>(
    config.digest,
    read,
  )
  return { id: config.digest, diffIds: rootfs.diff_ids }
}

async function readJson<T>(digest: string, read: (digest: string) => Promise<Buffer>): Promise<T> {
  return JSON.parse((await readVerified(digest, read)).toString()) as T
}

async function readVerified(
  digest: string,
  read: (digest: string) => Promise<Buffer>,
): Promise<Buffer> {
  const bytes = await read(digest)
  const actual = toDigest(bytes)
  if (actual !== digest) throw new Error(`${digest} is stored with the content of ${actual}`)
  return bytes
}
