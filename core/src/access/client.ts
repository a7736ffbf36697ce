import ipaddr from 'ipaddr.js'
import { createNetworks, parseAddress } from './networks.ts'

/** Who asks, and how they see us. */
export interface Client {
  /** IP address; `-` where the platform hides it. */
  readonly address: string
  /** Scheme and host that the client used, without a trailing slash. */
  origin(): string
}

/** What of a request tells about its client. */
export interface ClientEvidence {
  readonly peer: string | undefined
  readonly url: string
  readonly header: (name: string) => string | null
}

/** X-Forwarded-* headers count only from configured proxies: anybody can send them. */
export function createReadClient(
  trustedProxies: readonly string[],
  publicUrl: string | undefined,
): (evidence: ClientEvidence) => Client {
  const isTrusted = createNetworks(trustedProxies)

  return ({ peer, url, header }) => {
    const address = peer === undefined ? '-' : withoutMapping(peer)
    const own = (): string => publicUrl ?? new URL(url).origin
    if (!isTrusted(address)) return { address, origin: own }
    return {
      address: farthestUntrusted(header('x-forwarded-for')) ?? address,
      origin: () =>
        publicUrl ??
        forwardedOrigin(new URL(url), header('x-forwarded-proto'), header('x-forwarded-host')),
    }
  }

  /** Each proxy appends whom it heard from: read from the right, past the proxies that are ours. */
  function farthestUntrusted(forwardedFor: string | null): string | undefined {
    let farthest: string | undefined
    for (const text of (forwardedFor ?? '').split(',').reverse()) {
      const address = text.trim()
      if (!ipaddr.isValid(address)) return farthest
      farthest = withoutMapping(address)
      if (!isTrusted(farthest)) return farthest
    }
    return farthest
  }
}

/** An IPv4 client of a dual-stack socket is an IPv4 client; what is no address stays as it is. */
function withoutMapping(address: string): string {
  // Also `::FFFF:c000:201`; every other address is as its runtime writes it.
  return /^[0:]+:ffff:/i.test(address) ? (parseAddress(address)?.toString() ?? address) : address
}

function forwardedOrigin(url: URL, proto: string | null, host: string | null): string {
  const scheme = proto === 'http' || proto === 'https' ? proto : url.protocol.slice(0, -1)
  const named =
    host !== null && /^(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/.test(host) ? host : url.host
  return `${scheme}://${named.toLowerCase()}`
}
