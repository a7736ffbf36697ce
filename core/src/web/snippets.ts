import type { UpstreamConfig } from '../config/config.ts'
import type { Address } from './address.ts'

const clients = ['docker', 'containerd', 'podman', 'buildkit', 'k3s'] as const

export type Client = (typeof clients)[number]

/** What a client's configuration file has to say for this mirror. */
export interface Snippet {
  readonly client: Client
  readonly file: string
  readonly text: string
}

export interface Mirrored {
  readonly address: Address
  readonly upstreams: readonly UpstreamConfig[]
  /** What a name without a registry means on this host. */
  readonly fallback: UpstreamConfig | undefined
}

const files: Readonly<Record<Client, string>> = {
  docker: '/etc/docker/daemon.json',
  containerd: '/etc/containerd/certs.d/_default/hosts.toml',
  podman: '/etc/containers/registries.conf.d/pullway.conf',
  buildkit: '/etc/buildkit/buildkitd.toml',
  k3s: '/etc/rancher/k3s/registries.yaml',
}

const writers: Readonly<Record<Client, (mirrored: Mirrored) => string | undefined>> = {
  docker: writeDaemonJson,
  containerd: ({ address: { origin } }) =>
    lines(`[host.${quoted(origin)}]`, '  capabilities = ["pull", "resolve"]'),
  podman: writeRegistriesConf,
  buildkit: writeBuildkitd,
  k3s: ({ address: { origin } }) =>
    lines('mirrors:', '  "*":', `    endpoint: [${quoted(origin)}]`),
}

/** One for each client that has a use for this mirror. */
export function writeSnippets(mirrored: Mirrored): readonly Snippet[] {
  return clients.flatMap((client) => {
    const text = writers[client](mirrored)
    return text === undefined ? [] : [{ client, file: files[client], text }]
  })
}

/** The image names to try: one by the host's own meaning, one that names its registry. */
export function pullExamples({ address, upstreams, fallback }: Mirrored): readonly string[] {
  const others = upstreams.filter((upstream) => upstream !== fallback)
  const other = others.find(({ name }) => name === 'ghcr.io') ?? others.find(componentOf)
  const component = other && componentOf(other)
  return [
    ...(fallback ? [`${address.host}/${exampleOf(fallback)}`] : []),
    ...(other && component !== undefined
      ? [`${address.host}/${component}/${exampleOf(other)}`]
      : []),
  ]
}

/** As clients take it for a part of an image's name; a port has no place there. */
function componentOf({ name, aliases }: UpstreamConfig): string | undefined {
  return [name, ...aliases].find((word) => /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/.test(word))
}

function exampleOf({ officialNamespace }: UpstreamConfig): string {
  return officialNamespace === undefined ? 'owner/image' : `${officialNamespace}/alpine`
}

/** dockerd asks its mirrors for Docker Hub's images only. */
function writeDaemonJson({ address, upstreams, fallback }: Mirrored): string | undefined {
  const { origin, host, isEncrypted, isLoopback } = address
  const hub = upstreams.find(({ name }) => name === 'docker.io')
  if (!hub) return undefined
  const settings = [
    `  "registry-mirrors": [${quoted(hub === fallback ? origin : `${origin}/${hub.name}`)}]`,
    ...(isEncrypted || isLoopback ? [] : [`  "insecure-registries": [${quoted(host)}]`]),
  ]
  return lines('{', settings.join(',\n'), '}')
}

function writeRegistriesConf({ address, upstreams }: Mirrored): string | undefined {
  return eachMirrored(upstreams, ({ name }, component) =>
    lines(
      '[[registry]]',
      `prefix = ${quoted(name)}`,
      `location = ${quoted(name)}`,
      '[[registry.mirror]]',
      `location = ${quoted(`${address.host}/${component}`)}`,
      ...(address.isEncrypted ? [] : ['insecure = true']),
    ),
  )
}

function writeBuildkitd({ address, upstreams }: Mirrored): string | undefined {
  const mirrors = eachMirrored(upstreams, ({ name }, component) =>
    lines(`[registry.${quoted(name)}]`, `  mirrors = [${quoted(`${address.host}/${component}`)}]`),
  )
  if (mirrors === undefined || address.isEncrypted) return mirrors
  return `${mirrors}\n\n${lines(`[registry.${quoted(address.host)}]`, '  http = true')}`
}

function eachMirrored(
  upstreams: readonly UpstreamConfig[],
  write: (upstream: UpstreamConfig, component: string) => string,
): string | undefined {
  const parts = upstreams.flatMap((upstream) => {
    const component = componentOf(upstream)
    return component === undefined ? [] : [write(upstream, component)]
  })
  return parts.length === 0 ? undefined : parts.join('\n\n')
}

/** A string of JSON is one of TOML and YAML as well. */
function quoted(text: string): string {
  return JSON.stringify(text)
}

function lines(...all: readonly string[]): string {
  return all.join('\n')
}
