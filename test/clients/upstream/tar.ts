const blockBytes = 512

/** A tar archive of one file (POSIX ustar). */
export function formatTarFile(name: string, content: Buffer): Buffer {
  const padding = (blockBytes - (content.byteLength % blockBytes)) % blockBytes
  const end = Buffer.alloc(padding + 2 * blockBytes)
  return Buffer.concat([formatHeader(name, content.byteLength), content, end])
}

function formatHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(blockBytes)
  const fields: readonly [offset: number, text: string][] = [
    [0, name],
    [100, '0000644\0'],
    [108, '0000000\0'],
    [116, '0000000\0'],
    [124, `${size.toString(8).padStart(11, '0')}\0`],
    [136, '00000000000\0'],
    // The checksum is computed with spaces in its own place.
    [148, '        '],
    [156, '0'],
    [257, 'ustar\0' + '00'],
  ]
  for (const [offset, text] of fields) header.write(text, offset, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}
