import ipaddr from 'ipaddr.js'

/** Whether an address lies in one of the networks. What is no address lies in none. */
export function createNetworks(blocks: readonly string[]): (address: string) => boolean {
  const networks = blocks.map(parseNetwork)
  return (address) => {
    const parsed = networks.length === 0 ? undefined : parseAddress(address)
    return parsed !== undefined && networks.some((network) => isWithin(parsed, network))
  }
}

/** An IPv4 client of a dual-stack socket, `::ffff:192.0.2.1`, is an IPv4 client. */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

export type Address = ipaddr.IPv4 | ipaddr.IPv6

type Network = readonly [address: Address, bits: number]

const mappingBits = 96

function parseNetwork(block: string): Network {
  const [address = '', length] = block.split('/')
  const parsed = ipaddr.parse(address)
  const bits = length === undefined ? parsed.toByteArray().length * 8 : Number(length)
  if (!(parsed instanceof ipaddr.IPv6)) return [parsed, bits]
  return parsed.isIPv4MappedAddress() && bits >= mappingBits
    ? [parsed.toIPv4Address(), bits - mappingBits]
    : [parsed, bits]
}

function isWithin(address: Address, [network, bits]: Network): boolean {
  return (
    address.kind() === network.kind() && address.match([network, bits] as [ipaddr.IPv4, number])
  )
}
