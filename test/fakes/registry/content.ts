import type { Content, Image } from './image.ts'

export interface Repository {
  readonly name: string
  readonly isPrivate: boolean
  readonly tags: Map<string, string>
  readonly manifests: Map<string, Content>
  readonly blobs: Map<string, Content>
}

export interface PushOptions {
  readonly isPrivate?: boolean
}

/** Puts an image into a repository, under a tag if given. */
export function pushInto(
  repositories: Map<string, Repository>,
  name: string,
  tag: string | undefined,
  image: Image,
  options: PushOptions = {},
): void {
  const repository = repositories.get(name) ?? emptyRepository(name, options.isPrivate ?? false)
  repositories.set(name, repository)
  for (const manifest of image.manifests) repository.manifests.set(manifest.digest, manifest)
  for (const blob of image.blobs) repository.blobs.set(blob.digest, blob)
  if (tag !== undefined) repository.tags.set(tag, image.root.digest)
}

export function findManifest(repository: Repository, reference: string): Content | undefined {
  return repository.manifests.get(repository.tags.get(reference) ?? reference)
}

/** The manifests whose `subject` is that digest. */
export function findReferrers(repository: Repository, digest: string): readonly Content[] {
  return [...repository.manifests.values()].filter((manifest) => {
    const { subject } = JSON.parse(new TextDecoder().decode(manifest.bytes)) as {
      subject?: { digest: string }
    }
    return subject?.digest === digest
  })
}

function emptyRepository(name: string, isPrivate: boolean): Repository {
  return { name, isPrivate, tags: new Map(), manifests: new Map(), blobs: new Map() }
}
