import { largestManifestBytes, type ManifestNames, readManifestNames } from '@pullway/core'
import { absentAsUndefined, type FileSystem, toRead } from './file-system.ts'

/** Enough to tell a manifest, which is JSON, from a layer. */
const firstBytes = 64

/** What a file names, if it is a manifest; most files are told by their size or first bytes. */
export async function readNames(
  files: FileSystem,
  place: string,
  size: number,
): Promise<ManifestNames | undefined> {
  if (size === 0 || size > largestManifestBytes) return undefined
  const handle = await absentAsUndefined(files.open(place, toRead))
  if (handle === undefined) return undefined
  try {
    const bytes = new Uint8Array(size)
    const first = await handle.read(bytes, 0, Math.min(firstBytes, size), 0)
    if (!/^\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, first.bytesRead))))
      return undefined
    for (let length = first.bytesRead; length < size;) {
      const { bytesRead } = await handle.read(bytes, length, size - length, length)
      // Shorter than it was: no manifest, whatever else it is.
      if (bytesRead === 0) return undefined
      length += bytesRead
    }
    return readManifestNames(bytes)
  } finally {
    await handle.close()
  }
}
