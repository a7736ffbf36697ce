import ipaddr from 'ipaddr.js'
import { InvalidValue } from './mistakes.ts'

export interface HostAndPort {
  /** Lower case, international names in their ASCII form, an IPv6 address in brackets. */
  readonly host: string
  readonly port: number | undefined
}

/** `host` or `host:port`. */
export function parseHostAndPort(text: string): HostAndPort {
  const [, name = '', digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = toHost(name)
  const port = digits === undefined ? undefined : Number(digits)
  if (host === undefined || (port !== undefined && (port < 1 || port > 65535))) {
    throw new InvalidValue(
      'must be a host or host:port, such as registry.example.com or 10.0.0.5:5000, without scheme, path or wildcard',
    )
  }
  return { host, port }
}

/** A host alone: what a Host header is compared with, where the port does not count. */
export function parseHost(text: string): string {
  const host = toHost(text)
  if (host !== undefined) return host
  throw new InvalidValue(
    'must be a host name alone, such as docker.mirror.example.com, without scheme, port, path or wildcard',
  )
}

export function formatHostAndPort({ host, port }: HostAndPort): string {
  return port === undefined ? host : `${host}:${port}`
}

export function isAddress(host: string): boolean {
  return host.startsWith('[') || ipaddr.IPv4.isValidFourPartDecimal(host)
}

/** CIDR; a single address stands for itself. */
export function parseNetwork(text: string): string {
  const [address = '', prefix, ...more] = text.split('/')
  const isV4 = ipaddr.IPv4.isValidFourPartDecimal(address)
  // A zone (%eth0) has no place in a network.
  const isV6 =
    !isV4 && address.includes(':') && !address.includes('%') && ipaddr.IPv6.isValid(address)
  const bits = isV4 ? 32 : 128
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity
  if ((!isV4 && !isV6) || more.length > 0 || length > bits) {
    throw new InvalidValue('must be a network in CIDR form, such as 10.0.0.0/8, or one IP address')
  }
  return `${address.toLowerCase()}/${length}`
}

const hostName =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

function toHost(text: string): string | undefined {
  // What the URL parser would take for another part of the URL, or silently drop.
  if (text.length > 1000 || /[\s/\\@?#%\p{Cc}]/u.test(text)) return undefined
  const url = `http://${text}/`
  if (!URL.canParse(url)) return undefined
  const { hostname, port } = new URL(url)
  if (port !== '' || (text.includes(':') && !text.startsWith('['))) return undefined
  // The URL parser reads "5000" as 0.0.19.136.
  if (isAddress(hostname) && !text.startsWith('[') && hostname !== text) return undefined
  return hostname.startsWith('[') || hostName.test(hostname) ? hostname : undefined
}
