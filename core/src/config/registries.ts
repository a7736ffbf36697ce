export interface BuiltInRegistry {
  readonly name: string
  /** API root, as EndpointConfig has it. */
  readonly endpoint: string
  readonly ownHosts: readonly string[]
  /** Realm hosts outside its own registrable domain. */
  readonly realmHosts: readonly string[]
  readonly officialNamespace: string | undefined
  readonly search: string | undefined
}

/** Realms and blob hosts of a registry's own domain are found by asking it: they change without notice. */
export const builtInRegistries: readonly BuiltInRegistry[] = [
  registry('docker.io', {
    endpoint: 'https://registry-1.docker.io/v2',
    ownHosts: ['docker.io', 'index.docker.io', 'registry-1.docker.io'],
    officialNamespace: 'library',
    search: 'https://index.docker.io',
  }),
  registry('ghcr.io'),
  registry('quay.io'),
  registry('gcr.io'),
  registry('registry.k8s.io'),
  registry('k8s.gcr.io'),
  registry('nvcr.io', { realmHosts: ['authn.nvidia.com'] }),
  registry('mcr.microsoft.com'),
  registry('public.ecr.aws'),
  registry('docker.elastic.co'),
  registry('registry.gitlab.com'),
  // A gateway in front of ghcr.io that passes its challenge on.
  registry('lscr.io', { realmHosts: ['ghcr.io'] }),
]

export const defaultRegistry = 'docker.io'

/** The one name of a registry that has several: `index.docker.io` is `docker.io`. */
export function canonicalRegistryName(name: string): string {
  return builtInRegistries.find(({ ownHosts }) => ownHosts.includes(name))?.name ?? name
}

function registry(name: string, known: Partial<BuiltInRegistry> = {}): BuiltInRegistry {
  return {
    name,
    endpoint: `https://${name}/v2`,
    ownHosts: [name],
    realmHosts: [],
    officialNamespace: undefined,
    search: undefined,
    ...known,
  }
}
