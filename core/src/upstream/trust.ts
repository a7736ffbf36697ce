import type { EndpointConfig, UpstreamConfig } from '../config/config.ts'
import { registrableDomain } from './registrable-domain.ts'

/** `host` without the scheme's default port, as URL.host writes it. */
type Host = string

/** A host that the operator named for this upstream: it may also have a private address. */
export function isOwnHost(url: URL, upstream: UpstreamConfig): boolean {
  return (
    upstream.endpoints.some((endpoint) => new URL(endpoint.url).host === url.host) ||
    isTrustedHost(url, upstream.trustedHosts)
  )
}

/**
 * Whether a token realm belongs to an endpoint, so that a token may be asked there, with the endpoint's
 * credentials. A realm on a stranger's host is how credentials leak (CVE-2026-33540 in distribution).
 */
export function isTrustedRealm(
  realm: URL,
  endpoint: Pick<EndpointConfig, 'url'>,
  upstream: UpstreamConfig,
): boolean {
  if (realm.username !== '' || realm.password !== '') return false
  const own = new URL(endpoint.url)
  if (!keepsEncryption(own, realm)) return false
  return (
    realm.host === own.host ||
    isKnownRealm(realm, own, upstream) ||
    isTrustedHost(realm, upstream.trustedHosts) ||
    isSameSite(realm.hostname, own.hostname)
  )
}

/** The table's exceptions are the registry's own habit; they say nothing of an endpoint that replaces it. */
function isKnownRealm(realm: URL, endpoint: URL, upstream: UpstreamConfig): boolean {
  return upstream.realmHosts.includes(realm.host) && upstream.hosts.includes(endpoint.hostname)
}

/** http may lead to https or http; https only to https. */
export function keepsEncryption(from: URL, to: URL): boolean {
  return to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')
}

/** The same registrable domain; never for addresses and names without one. */
export function isSameSite(one: string, other: string): boolean {
  const domain = registrableDomain(one)
  return domain !== undefined && domain === registrableDomain(other)
}

function isTrustedHost(url: URL, trusted: readonly Host[]): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return trusted.some((host) => host === url.hostname || host === `${url.hostname}:${port}`)
}
