import ipaddr from 'ipaddr.js'

/**
 * Whether a host, as `URL.hostname` writes it, is an address of the public internet. False for whatever else a host can be: private, loopback,
 * link-local, shared, multicast, reserved and metadata addresses, and names, of which this cannot know.
 */
export function isPublicAddress(host: string): boolean {
  const text = withoutBrackets(host)
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return isPublicIPv4(ipaddr.IPv4.parse(text))
  // `::8.8.8.8`, of a kind long given up, which ipaddr.js reads as `::ffff:8.8.8.8`.
  if (/^::\d+\./.test(text)) return false
  return ipaddr.IPv6.isValid(text) && isPublicIPv6(ipaddr.IPv6.parse(text))
}

/** Azure's platform agent: a metadata service on an address that is otherwise a public one. */
const azureWireServer = '168.63.129.16'

/** RFC 4291, section 2.4: all else is not handed out. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')

/** RFC 6052: how a network with IPv6 alone reaches IPv4, so the address within decides. */
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

function isPublicIPv4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && address.toString() !== azureWireServer
}

function isPublicIPv6(address: ipaddr.IPv6): boolean {
  if (address.isIPv4MappedAddress()) return isPublicIPv4(address.toIPv4Address())
  if (address.match(nat64)) return isPublicIPv4(new ipaddr.IPv4(address.toByteArray().slice(12)))
  return address.match(globalUnicast) && address.range() === 'unicast'
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
