import { createHash } from 'node:crypto'
import type { Digest } from '@pullway/core'
import { removeFile } from './cache-evict.ts'
import { type CacheFolder, openCacheFolder } from './cache-folder.ts'
import { createHealer } from './cache-heal.ts'
import { blobPath } from './cache-layout.ts'
import { absentAsUndefined, toRead } from './file-system.ts'
import { formatSize } from './format-size.ts'
import type { ConfigFlags } from './read-config.ts'
import type { Surroundings } from './surroundings.ts'

export interface VerifyFlags extends ConfigFlags {
  /** False with `--no-heal`. */
  readonly heal?: boolean
}

/** `pullway cache verify`: resolves to whether all is well, or well again. */
export async function verifyCache(
  flags: VerifyFlags,
  surroundings: Surroundings,
): Promise<boolean> {
  const folder = await openCacheFolder(flags, surroundings)
  const healer = flags.heal === false ? undefined : createHealer(folder)
  let checked = 0
  let bytes = 0
  let wrong = 0
  let healed = 0
  for (const [digest, { size }] of [...folder.index.contents]) {
    const problem = await findProblem(folder, digest)
    checked += 1
    bytes += size
    if (problem === undefined) continue
    wrong += 1
    await removeFile(folder, digest, { files: 0, bytes: 0 })
    const failure = healer ? await healer.heal(digest) : 'not asked to heal it'
    if (failure === undefined) healed += 1
    const outcome = failure === undefined ? 'fetched again' : `removed: ${failure}`
    surroundings.stdout(`${digest}  ${problem}  ${outcome}\n`)
  }
  await healer?.close()
  const summary = `checked ${checked} files, ${formatSize(bytes)}: `
  const told = wrong === 0 ? 'all are right' : `${wrong} were wrong, ${healed} of them are healed`
  surroundings.stdout(`${summary}${told}\n`)
  if (wrong === healed) return true
  surroundings.stderr(`pullway: ${wrong - healed} wrong files were removed and not fetched again\n`)
  return false
}

const pieceBytes = 1024 * 1024

/** Undefined: the bytes are those that the name says, or somebody has removed them meanwhile. */
async function findProblem(
  { files, path }: CacheFolder,
  digest: Digest,
): Promise<string | undefined> {
  const handle = await absentAsUndefined(files.open(blobPath(path, digest), toRead))
  if (handle === undefined) return undefined
  const [algorithm = '', hex] = digest.split(':')
  const hash = createHash(algorithm)
  const piece = new Uint8Array(pieceBytes)
  try {
    for (let position = 0; ;) {
      const { bytesRead } = await handle.read(piece, 0, pieceBytes, position)
      if (bytesRead === 0) break
      hash.update(piece.subarray(0, bytesRead))
      position += bytesRead
    }
    return hash.digest('hex') === hex ? undefined : 'has wrong bytes'
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'an error'})`
  } finally {
    await handle.close()
  }
}
