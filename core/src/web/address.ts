/** How clients reach this mirror. */
export interface Address {
  /** `https://mirror.example.com` */
  readonly origin: string
  /** As it begins an image's name. */
  readonly host: string
  readonly isEncrypted: boolean
  /** Docker takes plain http from its own machine, and from others only when told so. */
  readonly isLoopback: boolean
}

/**
 * The page's commands are copied into shells and files, and the Host header is anybody's text: what is no
 * plain host is not shown (the URL parser accepts `$(reboot)` as one).
 */
const plainHost = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/
const placeholder = 'https://mirror.example.com'

export function toAddress(origin: string): Address {
  const url = URL.parse(origin)
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && plainHost.test(url.hostname)
  const { protocol, hostname, host } = isUsable ? url : new URL(placeholder)
  const isEncrypted = protocol === 'https:'
  return {
    origin: `${protocol}//${host}`,
    host: isRegistryHost(host) ? host : `${host}:${isEncrypted ? '443' : '80'}`,
    isEncrypted,
    isLoopback: /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname),
  }
}

/** Without a dot or a port, clients take a name's first component for a part of the repository. */
function isRegistryHost(host: string): boolean {
  return /[.:]/.test(host) || host === 'localhost'
}
