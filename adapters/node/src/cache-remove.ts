import { type Digest, parseImageName, removalOf } from '@pullway/core'
import { type Evicted, removeFile } from './cache-evict.ts'
import { openCacheFolder } from './cache-folder.ts'
import { absentAsUndefined } from './file-system.ts'
import { formatSize } from './format-size.ts'
import type { ConfigFlags } from './read-config.ts'
import type { Surroundings } from './surroundings.ts'
import { UserError } from './user-error.ts'

/** `pullway cache rm IMAGE` */
export async function removeImage(
  image: string,
  flags: ConfigFlags,
  surroundings: Surroundings,
): Promise<void> {
  const folder = await openCacheFolder(flags, surroundings)
  const { config, files, index, records } = folder
  const { route, reference } = parseImageName(config, image)
  const isOurs = (record: { upstream: string; repository: string }): boolean =>
    record.upstream === route.upstream.name && record.repository === route.repository
  const isNamed = (tag: { tag: string; digest: Digest }): boolean =>
    reference.type === 'tag' ? tag.tag === reference.tag : tag.digest === reference.digest

  const tags = records.tags.filter((tag) => isOurs(tag) && isNamed(tag))
  const digests = new Set(tags.map(({ digest }) => digest))
  if (reference.type === 'digest' && index.contents.has(reference.digest)) {
    const { digest } = reference
    const isHeld = records.holdings.some((holding) => isOurs(holding) && holding.digest === digest)
    if (isHeld || records.holdings.length === 0) digests.add(digest)
  }
  if (digests.size === 0) throw new UserError(notFound(image, config.cache.state.driver))

  // Another tag's, another repository's, or of an image that stays: that is not only its own.
  const wanted = new Set([
    ...records.tags.filter((tag) => !tags.includes(tag)).map(({ digest }) => digest),
    ...records.holdings
      .filter((holding) => !isOurs(holding) && holding.kind === 'manifest')
      .map(({ digest }) => digest),
  ])
  // First the names: a tag must not be left to what has gone.
  for (const { place } of tags) await absentAsUndefined(files.unlink(place))
  const removed: Evicted = { files: 0, bytes: 0 }
  for (const digest of digests) {
    for (const part of removalOf(index.contents, digest, (one) => wanted.has(one))) {
      await removeFile(folder, part, removed)
      for (const { place } of records.holdings.filter((one) => isOurs(one) && one.digest === part))
        await absentAsUndefined(files.unlink(place))
    }
  }
  const what = removed.files === 0 ? 'its name only; its content belongs to others, too' : ''
  surroundings.stdout(`removed ${what || `${removed.files} files, ${formatSize(removed.bytes)}`}\n`)
}

function notFound(image: string, state: string): string {
  const hint =
    state === 'filesystem'
      ? ''
      : `; tags are not on files (cache.state.driver: ${state}): give a digest`
  return `${image} is not in the cache${hint}`
}
