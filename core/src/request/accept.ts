/**
 * The manifest types that are asked for upstream, best first. Schema 1 is not among them: it is gone from the
 * specifications, and its digest is not that of its bytes.
 */
export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

export const emptyIndexType: string = manifestTypes[0]

/** An Accept header brought into one form, so that its order and spelling split no cache. */
export interface AcceptedTypes {
  /** Equal for all headers that mean the same. */
  readonly key: string
  /** What to send upstream. */
  readonly header: string
  accepts(mediaType: string): boolean
}

/** For content that is named by its digest there is nothing to choose. */
export const everything: AcceptedTypes = {
  key: 'any',
  header: manifestTypes.join(', '),
  accepts: () => true,
}

/** dockerd shuffles its six types, so a few hundred spellings are usual; a hostile client finds no more room. */
const maxRemembered = 1_000
const remembered = new Map<string, AcceptedTypes>()

/** Reads the Accept header of a manifest request; none, a wildcard or plain JSON accept everything. */
export function parseAccept(header: string | null): AcceptedTypes {
  if (header === null || header === '') return everything
  const known = remembered.get(header)
  if (known) return known
  const parsed = readAccept(header)
  if (remembered.size >= maxRemembered) remembered.clear()
  remembered.set(header, parsed)
  return parsed
}

function readAccept(header: string): AcceptedTypes {
  const named = new Set<string>()
  for (const part of header.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    if (!parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) named.add(type)
  }
  const wildcards = ['*/*', 'application/*']
  if (wildcards.some((type) => named.has(type))) return everything
  const wanted = manifestTypes.filter((type) => named.has(type))
  // Scripts ask with plain JSON only; dockerd adds it to the types that it really means.
  if (wanted.length === 0 && named.has('application/json')) return everything
  return {
    key: wanted.length === manifestTypes.length ? 'any' : wanted.map(shortName).join('+'),
    header: wanted.length === 0 ? everything.header : wanted.join(', '),
    accepts: (mediaType) => named.has(mediaType),
  }
}

function shortName(type: (typeof manifestTypes)[number]): string {
  return String(manifestTypes.indexOf(type))
}
