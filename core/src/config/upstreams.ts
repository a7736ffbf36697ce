import type { UpstreamConfig } from './config.ts'
import { toImages } from './access.ts'
import { claimNames } from './claims.ts'
import { toEndpoints } from './endpoints.ts'
import { InvalidValue } from './mistakes.ts'
import type { KeyPath, Report } from './mistakes.ts'
import { ownHostsOf, parseRegistryName } from './names.ts'
import { parseRepositoryPattern } from './patterns.ts'
import { builtInRegistries, canonicalRegistryName, defaultRegistry } from './registries.ts'
import type { GivenConfig, GivenUpstream } from './schema.ts'
import { itemsOf } from './values.ts'

/** An upstream as the document and the built-in table give it, with its place in the document. */
export interface Draft {
  readonly name: string
  readonly path: KeyPath
  readonly given: GivenUpstream
  readonly ownHosts: readonly string[]
}

/** The operator's upstreams, then the built-in ones that the document does not name. */
export function toUpstreams(
  { upstreams = {}, publicUrl }: GivenConfig,
  report: Report,
): ReadonlyMap<string, UpstreamConfig> {
  const named = draftNamed(upstreams, report)
  const rest = builtInRegistries
    .filter(({ name }) => !named.some((draft) => draft.name === name))
    .map(({ name }) => toDraft(name, ['upstreams', name], {}))
  const drafts = [...named, ...rest]
  const enabled = drafts.filter(isEnabled)
  if (enabled.length === 0) report.add(['upstreams'], 'are all disabled: leave one enabled')
  const defaultName = chooseDefault(drafts, report)
  claimNames(enabled, report)
  // Also those that are not enabled: a mistake there would come to light only later.
  const finished = drafts.map((draft) => ({
    draft,
    upstream: finish(draft, defaultName, publicUrl, report),
  }))
  return new Map(
    finished
      .filter(({ draft }) => isEnabled(draft))
      .map(({ upstream }) => [upstream.name, upstream]),
  )
}

function draftNamed(upstreams: NonNullable<GivenConfig['upstreams']>, report: Report): Draft[] {
  const drafts = new Map<string, Draft>()
  for (const [key, given = {}] of Object.entries(upstreams)) {
    const path = ['upstreams', key]
    try {
      const name = canonicalRegistryName(parseRegistryName(key))
      if (drafts.has(name)) report.add(path, `is ${name}, which is there already: keep one of them`)
      else drafts.set(name, toDraft(name, path, given))
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      report.add(path, error.message)
    }
  }
  return [...drafts.values()]
}

function isEnabled({ given }: Draft): boolean {
  return given.enabled !== false
}

function toDraft(name: string, path: KeyPath, given: GivenUpstream): Draft {
  return { name, path, given, ownHosts: builtIn(name)?.ownHosts ?? ownHostsOf(name) }
}

function chooseDefault(drafts: readonly Draft[], report: Report): string | undefined {
  const [chosen, ...others] = drafts.filter(({ given }) => given.default === true)
  for (const { path } of others) {
    report.add([...path, 'default'], `is true for ${chosen?.name} already: there is one default`)
  }
  if (chosen?.given.enabled === false) {
    report.add([...chosen.path, 'default'], 'must not be true for an upstream that is not enabled')
  }
  if (chosen !== undefined) return chosen.name
  const isRefused = drafts.some(
    ({ name, given }) => name === defaultRegistry && given.default === false,
  )
  return isRefused ? undefined : defaultRegistry
}

function finish(
  { name, path, given, ownHosts }: Draft,
  defaultName: string | undefined,
  publicUrl: string | undefined,
  report: Report,
): UpstreamConfig {
  const known = builtIn(name)
  const ownNames = [name, ...ownHosts, ...itemsOf(given.aliases)]
  const parsePattern = (text: string): string =>
    parseRepositoryPattern(text, ownNames, known?.officialNamespace)
  const endpoints = toEndpoints(given.endpoints, [...path, 'endpoints'], publicUrl, report)
  return {
    name,
    isDefault: name === defaultName,
    aliases: itemsOf(given.aliases),
    hosts: [...new Set([...ownHosts, ...itemsOf(given.hosts)])],
    endpoints: endpoints ?? [
      { url: known?.endpoint ?? `https://${name}/v2`, credentials: undefined, accounts: [] },
    ],
    failoverOn: new Set(itemsOf(given.failoverOn)),
    quotaFloor: given.quotaFloor ?? 0,
    trustedHosts: [...new Set(itemsOf(given.trustedHosts))],
    realmHosts: known?.realmHosts ?? [],
    officialNamespace: known?.officialNamespace,
    blobs: given.blobs ?? 'auto',
    search: given.search ?? known?.search,
    clientCredentials: toClientCredentials(given, path, report),
    images: toImages(given.images, [...path, 'images'], parsePattern, report),
  }
}

/** Two accounts for one question: whose rights would the answer show? */
function toClientCredentials(
  { clientCredentials = 'ignore', endpoints = [] }: GivenUpstream,
  path: KeyPath,
  report: Report,
): UpstreamConfig['clientCredentials'] {
  const isOurs = endpoints.some((one) =>
    [one, ...(one?.accounts ?? [])].some((account) => account?.username ?? account?.password),
  )
  if (clientCredentials === 'relay' && isOurs) {
    report.add(
      [...path, 'clientCredentials'],
      'is relay, where each client uses an account of its own: remove username, password and accounts from the endpoints',
    )
  }
  return clientCredentials
}

function builtIn(name: string): (typeof builtInRegistries)[number] | undefined {
  return builtInRegistries.find((registry) => registry.name === name)
}
