import type { Command } from 'commander'
import { listCache, showCacheStat } from './cache-list.ts'
import { pruneCache, type PruneFlags } from './cache-prune.ts'
import { removeImage } from './cache-remove.ts'
import { verifyCache, type VerifyFlags } from './cache-verify.ts'
import type { ConfigFlags } from './read-config.ts'
import type { Surroundings } from './surroundings.ts'

/** `pullway cache …`, for a cache on files; a server may run on the same folder. */
export function addCacheCommands(
  program: Command,
  configFlag: readonly [string, string],
  surroundings: Surroundings,
  finish: (code: number) => void,
): void {
  const [flag, description] = configFlag
  const cache = program.command('cache').description('look after a cache on files')
  const add = (name: string, about: string): Command =>
    cache.command(name).description(about).option(flag, description)

  add('ls', 'list the images that are kept').action(async (flags: ConfigFlags) => {
    await listCache(flags, surroundings)
    finish(0)
  })
  add('stat', 'show sizes, counts and the limit').action(async (flags: ConfigFlags) => {
    await showCacheStat(flags, surroundings)
    finish(0)
  })
  add('verify', 'hash every file; remove what is wrong, and fetch it again from its upstream')
    .option('--no-heal', 'remove only')
    .action(async (flags: VerifyFlags) => finish((await verifyCache(flags, surroundings)) ? 0 : 1))
  add('prune', 'remove what was used least, down to cache.blobs.maxSize')
    .option('--older-than <age>', 'instead: what was not used for so long, such as 30d')
    .option('--all-unreferenced', 'instead: all blobs that no manifest in the cache needs')
    .action(async (flags: PruneFlags) => {
      await pruneCache(flags, surroundings)
      finish(0)
    })
  add('rm', 'remove an image, and what only it needs')
    .argument('<image>', 'as for docker pull: alpine, ghcr.io/owner/image:tag, name@sha256:…')
    .action(async (image: string, flags: ConfigFlags) => {
      await removeImage(image, flags, surroundings)
      finish(0)
    })
}
