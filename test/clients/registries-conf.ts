/** Registry names and the `host[:port][/path]` of their mirror. */
export type Mirrors = Readonly<Record<string, string>>

/** registries.conf of podman, skopeo, buildah and CRI-O, with mirrors over plain http. */
export function formatRegistries(mirrors: Mirrors): string {
  return Object.entries(mirrors)
    .map(
      ([registry, location]) => `
[[registry]]
prefix = "${registry}"
location = "${registry}"
[[registry.mirror]]
location = "${location}"
insecure = true
`,
    )
    .join('')
}
