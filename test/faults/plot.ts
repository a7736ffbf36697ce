import type { Upstream } from '../clients/upstream/upstream.ts'
import type { Certificates } from './entrance.ts'
import type { Fault } from './faults.ts'
import type { Hosts } from './hosts.ts'
import { openSite, type Site } from './site.ts'

/** An upstream of a name of its own, whose first endpoint can be spoilt. */
export interface Plot {
  readonly name: string
  readonly site: Site
}

export async function openPlot(
  hub: Upstream,
  certificates: Certificates,
  hosts: Hosts,
  { isSecure = false, isNameless = false }: Fault,
  name: string,
): Promise<Plot> {
  const options = isNameless ? { name: { host: `at-${name}`, hosts } } : {}
  return { name, site: await openSite(hub, certificates, { isSecure, ...options }) }
}

/** `upstreams` of a configuration. */
export function toUpstreams(
  hub: Upstream,
  plots: readonly (Plot & { readonly hasSecond: boolean })[],
): object {
  const entries = plots.map(({ name, site, hasSecond }) => {
    const endpoints = [{ url: site.url }, ...(hasSecond ? [{ url: hub.url }] : [])]
    return [name, { endpoints, trustedHosts: ['127.0.0.1'] }]
  })
  return Object.fromEntries(entries) as object
}
