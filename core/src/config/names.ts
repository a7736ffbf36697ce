import { formatHostAndPort, isAddress, parseHostAndPort } from './hosts.ts'
import { InvalidValue } from './mistakes.ts'

/** Paths that mean something else, before or after /v2/, and the name of Docker Hub's official images. */
const reservedWords = new Set('v1 v2 t token api healthz readyz metrics library'.split(' '))

/** The part of the distribution reference grammar that names a registry: it has a dot or a port, or is localhost. */
export function parseRegistryName(text: string): string {
  const { host, port } = toHostAndPort(text)
  if (host.includes('_')) throw new InvalidValue('is not a registry: its name cannot contain "_"')
  if (host.includes('.') || host.startsWith('[') || host === 'localhost' || port !== undefined) {
    return formatHostAndPort({ host, port })
  }
  throw new InvalidValue(
    'is not a registry: its name has a dot or a port, such as registry.example.com or harbor:5000; a short name goes under its "aliases"',
  )
}

/**
 * The host by which a registry is known to clients whose DNS leads them here. None where the mirror itself
 * is likely to be reached by that host: registries told apart by port, addresses, localhost.
 */
export function ownHostsOf(name: string): readonly string[] {
  const { host, port } = parseHostAndPort(name)
  return port !== undefined || isAddress(host) || host === 'localhost' ? [] : [host]
}

/** A path component and a DNS label at once. */
export function parseAlias(text: string): string {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) {
    throw new InvalidValue('must be a short name of a-z, 0-9 and "-", such as hub')
  }
  if (reservedWords.has(text)) throw new InvalidValue('is a reserved word: choose another alias')
  return text
}

function toHostAndPort(text: string): ReturnType<typeof parseHostAndPort> {
  try {
    return parseHostAndPort(text)
  } catch (cause) {
    throw new InvalidValue(
      'is not a registry: write its name as in an image reference, such as ghcr.io or registry.example.com:5000',
      { cause },
    )
  }
}
