/**
 * The few flat documents of S3's XML. Nothing that S3 never sends is understood: no DOCTYPE, no comment, no
 * CDATA, nothing cut off, no element twice.
 */

/** The text of one element of a document with that root; undefined unless it is there exactly once. */
export function element(xml: string, root: string, name: string): string | undefined {
  const inner = content(xml, root)
  if (inner === undefined) return undefined
  const pieces = inner.split(`<${name}>`)
  const [text, rest] = pieces[1]?.split(`</${name}>`) ?? []
  if (pieces.length !== 2 || text === undefined || rest === undefined) return undefined
  return text.includes('<') ? undefined : unescape(text)
}

/** Whether it is a whole document with that root. */
export function hasRoot(xml: string, root: string): boolean {
  return content(xml, root) !== undefined
}

/** The code of an <Error> document, where it looks like one of S3's. */
export function code(xml: string): string | undefined {
  const text = element(xml, 'Error', 'Code')
  return text !== undefined && /^[A-Za-z0-9.]{1,64}$/.test(text) ? text : undefined
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function content(xml: string, root: string): string | undefined {
  if (xml.includes('<!')) return undefined
  // Spaces come first where S3 keeps a connection alive while it completes an upload.
  const body = xml.trim().replace(/^<\?xml [^<>]{0,100}\?>\s*/, '')
  const open = /^<(\w+)(?: [^<>]{0,200})?>/.exec(body)
  const close = `</${root}>`
  if (open?.[1] !== root || !body.endsWith(close)) return undefined
  return body.slice(open[0].length, -close.length)
}

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Undefined where an entity is unknown or a bare `&` stands. */
function unescape(text: string): string | undefined {
  const pieces = text.split(/(&[^&;]{0,8};?)/)
  const plain = pieces.map((piece) => (piece.startsWith('&') ? fromEntity(piece) : piece))
  return plain.includes(undefined) ? undefined : plain.join('')
}

function fromEntity(entity: string): string | undefined {
  const name = entity.slice(1, -1)
  const [, hex, decimal] = /^#(?:x([0-9a-f]{1,4})|(\d{1,4}))$/i.exec(name) ?? []
  if (!entity.endsWith(';')) return undefined
  if (hex !== undefined) return fromCode(Number.parseInt(hex, 16))
  if (decimal !== undefined) return fromCode(Number(decimal))
  return entities.get(name)
}

function fromCode(point: number): string | undefined {
  return point > 0x1f && point < 0x7f ? String.fromCharCode(point) : undefined
}
