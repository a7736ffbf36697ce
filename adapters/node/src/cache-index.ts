import { join } from 'node:path'
import type { Clock, Digest, KeptContent, KeptContents, ManifestNames } from '@pullway/core'
import { algorithms, type BlobFolder, blobPath, digestOfFile } from './cache-layout.ts'
import { readNames } from './cache-names.ts'
import { absentAsUndefined, type FileSystem } from './file-system.ts'

/** What a folder holds, in memory: once read, then kept up to date by who writes, and by looking again. */
export interface CacheIndex {
  readonly contents: KeptContents
  /** Of all contents. */
  bytes(): number
  /** Changes whenever content has come. */
  additions(): number
  /** Files that do not belong where they are. */
  readonly strays: ReadonlySet<string>
  /** Looks for what others have written and removed; cheap where a folder has not changed. */
  scan(): Promise<void>
  added(digest: Digest, size: number, names: ManifestNames | undefined): void
  removed(digest: Digest): void
  used(digest: Digest): void
  /** Looks at the file: when it was used, also by another process. Undefined: it is gone. */
  refresh(digest: Digest): Promise<number | undefined>
}

export interface CacheIndexOptions {
  readonly path: string
  readonly clock: Clock
  readonly files: FileSystem
  /** Something is here no more. */
  readonly onRemoved?: (digest: Digest) => void
}

/** A folder that has changed within this time may change again without another date. */
const settledMs = 2_000
/** File systems have clocks of their own. */
const toleratedMs = 60_000
/** Files at a time. */
const atOnce = 16

export function createCacheIndex(options: CacheIndexOptions): CacheIndex {
  const { path, clock, files, onRemoved } = options
  const contents = new Map<Digest, KeptContent>()
  /** The contents of each folder. */
  const members = new Map<string, Set<Digest>>()
  /** Dates of folders that will not change without getting another one. */
  const settled = new Map<string, number>()
  const strays = new Set<string>()
  /** Since the running scan began: it may have looked at a folder before. */
  let fresh = new Set<Digest>()
  let bytes = 0
  let additions = 0
  let scanning: Promise<void> | undefined

  function set(digest: Digest, content: KeptContent): void {
    const former = contents.get(digest)
    bytes += content.size - (former?.size ?? 0)
    contents.set(digest, content)
    if (former !== undefined) return
    additions += 1
    const folder = folderOf(digest)
    const others = members.get(folder)
    if (others) others.add(digest)
    else members.set(folder, new Set([digest]))
  }

  function removed(digest: Digest): void {
    bytes -= contents.get(digest)?.size ?? 0
    contents.delete(digest)
    members.get(folderOf(digest))?.delete(digest)
    onRemoved?.(digest)
  }

  return {
    contents,
    strays,
    bytes: () => bytes,
    additions: () => additions,
    removed,
    scan() {
      scanning ??= scan().finally(() => (scanning = undefined))
      return scanning
    },
    added(digest, size, names) {
      fresh.add(digest)
      set(digest, { size, usedAt: clock.now(), names })
    },
    used(digest) {
      const content = contents.get(digest)
      if (content) contents.set(digest, { ...content, usedAt: clock.now() })
    },
    async refresh(digest) {
      const place = blobPath(path, digest)
      const entry = await absentAsUndefined(files.stat(place))
      if (entry === undefined) {
        removed(digest)
        return undefined
      }
      const known = contents.get(digest)
      const usedAt = await lastUse(place, entry.mtimeMs, known)
      if (known) contents.set(digest, { ...known, usedAt })
      return usedAt
    },
  }

  async function scan(): Promise<void> {
    fresh = new Set()
    const seen = new Set<string>()
    for (const algorithm of algorithms) {
      const root = join(path, 'blobs', algorithm)
      for (const prefix of (await absentAsUndefined(files.readdir(root))) ?? []) {
        const place = join(root, prefix)
        seen.add(`${algorithm}:${prefix}`)
        await scanFolder({ place, algorithm, prefix })
      }
    }
    // A folder that has gone has taken its files along.
    for (const [folder, digests] of members) if (!seen.has(folder)) removeAllBut(digests)
  }

  async function scanFolder(folder: BlobFolder): Promise<void> {
    const { place } = folder
    const entry = await absentAsUndefined(files.stat(place))
    if (entry === undefined || entry.mtimeMs === settled.get(place)) return
    settled.delete(place)
    const listed = new Set<Digest>()
    const names = (await absentAsUndefined(files.readdir(place)).catch(orNoFolder)) ?? []
    for (let index = 0; index < names.length; index += atOnce) {
      const some = names.slice(index, index + atOnce)
      await Promise.all(some.map((name) => scanFile(folder, name, listed)))
    }
    removeAllBut(members.get(`${folder.algorithm}:${folder.prefix}`) ?? [], listed)
    const age = clock.now() - entry.mtimeMs
    if (age > settledMs) settled.set(place, entry.mtimeMs)
  }

  function removeAllBut(digests: Iterable<Digest>, listed?: ReadonlySet<Digest>): void {
    for (const digest of [...digests])
      if (!listed?.has(digest) && !fresh.has(digest)) removed(digest)
  }

  async function scanFile(folder: BlobFolder, name: string, listed: Set<Digest>): Promise<void> {
    const place = join(folder.place, name)
    const digest = digestOfFile(folder, name)
    if (digest === undefined) return void strays.add(place)
    const entry = await absentAsUndefined(files.stat(place))
    if (entry === undefined) return
    listed.add(digest)
    const known = contents.get(digest)
    const usedAt = await lastUse(place, entry.mtimeMs, known)
    const names =
      known?.size === entry.size ? known.names : await readNames(files, place, entry.size)
    set(digest, { size: entry.size, usedAt, names })
  }

  async function lastUse(
    place: string,
    mtimeMs: number,
    known: KeptContent | undefined,
  ): Promise<number> {
    const now = clock.now()
    const before = Math.min(known?.usedAt ?? 0, now)
    if (mtimeMs <= now + toleratedMs) return Math.max(before, Math.min(mtimeMs, now))
    // A date of a clock that was wrong must not keep a file for years.
    await files.utimes(place, now / 1000, now / 1000).catch(() => undefined)
    return known ? before : now
  }
}

/** `sha256:ab`: what its folder's files begin with. */
function folderOf(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':') + 3)
}

function orNoFolder(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined
  throw error
}
