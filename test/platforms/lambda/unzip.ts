import { crc32, inflateRawSync } from 'node:zlib'

export interface ZipEntry {
  readonly name: string
  /** As `chmod` has it; Lambda runs the code as another user than its files' owner. */
  readonly mode: number
  readonly bytes: Buffer
}

/** Reads a zip by its directory, as Lambda does (APPNOTE.TXT 4.3): plain and deflated files, no zip64. */
export function unzip(zip: Buffer): readonly ZipEntry[] {
  const end = zip.lastIndexOf(Buffer.from('PK\u0005\u0006'))
  const count = zip.readUInt16LE(end + 10)
  let at = zip.readUInt32LE(end + 16)
  return Array.from({ length: count }, () => {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
      zip.readUInt16LE(at + offset),
    ) as [number, number, number]
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    const mode = (zip.readUInt32LE(at + 38) >>> 16) & 0o777
    const bytes = contentOf(zip, at)
    if (crc32(bytes) !== zip.readUInt32LE(at + 16)) throw new Error(`${name} is damaged`)
    at += 46 + nameLength + extraLength + commentLength
    return { name, mode, bytes }
  })
}

function contentOf(zip: Buffer, directoryAt: number): Buffer {
  const local = zip.readUInt32LE(directoryAt + 42)
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const packed = zip.subarray(start, start + zip.readUInt32LE(directoryAt + 20))
  return zip.readUInt16LE(directoryAt + 10) === 8 ? inflateRawSync(packed) : packed
}
