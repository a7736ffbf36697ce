/** The configuration after parsing: every default filled in, every unit resolved. */
export interface Config {
  readonly listen: { readonly host: string; readonly port: number }
  /** Origin without a trailing slash; undefined: taken from each request. */
  readonly publicUrl: string | undefined
  /** CIDR blocks whose X-Forwarded-* headers count. */
  readonly trustedProxies: readonly string[]
  /** Enabled upstreams by registry name (`docker.io`), in the order: the operator's, then built-in ones. */
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>
  readonly cache: CacheConfig
  readonly timeouts: Timeouts
  readonly shutdown: ShutdownConfig
  readonly access: AccessConfig
  readonly limits: LimitsConfig
  readonly push: { readonly enabled: boolean }
  readonly log: { readonly format: 'main' | 'json'; readonly level: LogLevel }
}

/** How a server stops, in milliseconds. */
export interface ShutdownConfig {
  /** Not ready any more, but still answering, so that load balancers go first. */
  readonly drainMs: number
  /** Then running answers may take so long to end. */
  readonly finishMs: number
}

export type LogLevel = 'info' | 'warn' | 'error'

export interface UpstreamConfig {
  /** The registry's name as clients write it, `docker.io` or `registry.example.com:5000`. */
  readonly name: string
  readonly isDefault: boolean
  readonly aliases: readonly string[]
  /** Host headers that mean this upstream, lower case, without port: the registry's own and configured ones. */
  readonly hosts: readonly string[]
  /** A failover chain, in its order. */
  readonly endpoints: readonly EndpointConfig[]
  /** What, beside trouble, makes the next endpoint be asked. */
  readonly failoverOn: ReadonlySet<'not-found'>
  /** With fewer pulls left, a stale tag is rather served than a pull spent. */
  readonly quotaFloor: number
  /** Hosts (`host` or `host:port`) that realms and redirects may name beside what belongs to an endpoint. */
  readonly trustedHosts: readonly string[]
  /** Realm hosts that a built-in registry is known to use outside its own domain (lscr.io on ghcr.io). */
  readonly realmHosts: readonly string[]
  /** What is put before a name of one component: `library` on Docker Hub. */
  readonly officialNamespace: string | undefined
  /** How blobs get to clients: through us, by a link to where they are, or as the platform does best. */
  readonly blobs: BlobDelivery
  /** Base URL of a v1 search API. */
  readonly search: string | undefined
  /** Whose account pulls: the operator's, whatever clients send; or each client's own at the upstream. */
  readonly clientCredentials: 'ignore' | 'relay'
  /** Over names at the upstream: `library/*`. */
  readonly images: ImagesConfig
}

/** Globs of images, `repository[:tag]`: a star stays within a component, two cross them. */
export interface ImagesConfig {
  /** Undefined: all. */
  readonly allow: readonly string[] | undefined
  readonly deny: readonly string[]
  /** The operator's words to who is denied. */
  readonly message: string | undefined
}

export interface AccessConfig {
  /** CIDR blocks; an empty `allow` allows all. */
  readonly networks: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  /** Parts of User-Agent headers, in lower case. */
  readonly userAgents: { readonly deny: readonly string[] }
  /** Over `registry/repository[:tag]`. */
  readonly images: ImagesConfig
  /** Undefined: nobody logs in. */
  readonly users: UsersConfig | undefined
  /** The first that matches decides; with none, every user may pull all that the images allow. */
  readonly rules: readonly AccessRule[]
  readonly admins: readonly string[]
}

export interface UsersConfig {
  /** A file of htpasswd lines; read by the runtime, which has files. */
  readonly htpasswd: string | undefined
  /** htpasswd lines in the document itself, for where there are no files. */
  readonly entries: readonly string[]
  /** Whether who does not log in is let in, too, as far as rules for `anonymous` and `*` go. */
  readonly anonymous: boolean
  /** Signs tokens, at least 32 characters; undefined: made at the first start. */
  readonly tokenKey: string | undefined
}

export interface AccessRule {
  /** Names, `*` for everybody, `anonymous` for who has not logged in. */
  readonly users: readonly string[]
  /** Globs over `registry/repository[:tag]`. */
  readonly images: readonly string[]
  readonly effect: 'allow' | 'deny'
  readonly message: string | undefined
}

/** Undefined: not limited. Each holds for a user who has logged in, else for a client address (IPv6: its /64). */
export interface LimitsConfig {
  readonly requests: { readonly perSecond: number; readonly burst: number } | undefined
  /** Blob streams at once. */
  readonly connections: number | undefined
  readonly bandwidthBytesPerSecond: number | undefined
}

export type BlobDelivery = 'auto' | 'stream' | 'redirect'

export interface EndpointConfig {
  /** API root without a trailing slash, ending in /v2 or in a path below it: `https://registry-1.docker.io/v2`. */
  readonly url: string
  readonly credentials: Credentials | undefined
  /** More of them, used by what each may still pull. */
  readonly accounts: readonly Credentials[]
}

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Why an upstream could not give an answer that can be trusted; each may be answered from a stale copy. */
export type TroubleReason = 'rate-limited' | 'server-error' | 'timeout' | 'unreachable'

export interface CacheConfig {
  readonly blobs:
    | {
        readonly driver: 'filesystem'
        readonly path: string
        /** Undefined: as much as the disk has. */
        readonly maxBytes: number | undefined
      }
    | { readonly driver: 'memory'; readonly maxBytes: number }
    | ({ readonly driver: 's3' } & S3Config)
    | { readonly driver: 'none' }
  readonly state:
    | { readonly driver: 'filesystem' | 'memory' }
    /** redis:// or rediss://; https:// with a token for Redis over HTTP. */
    | { readonly driver: 'redis'; readonly url: string; readonly token: string | undefined }
  readonly tags: { readonly freshForSeconds: number; readonly staleForSeconds: number }
  readonly serveStaleOn: ReadonlySet<TroubleReason | 'not-found'>
}

/** A bucket of any S3-compatible service. */
export interface S3Config {
  /** Origin of the service. */
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Put before every key; empty, or ending in a slash. */
  readonly prefix: string
}

/** All in milliseconds. */
export interface Timeouts {
  /** TCP and TLS set-up with an upstream. */
  readonly connectMs: number
  /** From a request sent upstream to its answer's headers. */
  readonly firstByteMs: number
  /** Between two reads of a body from upstream. */
  readonly idleMs: number
  /** From a client's request to the headers of our answer, all upstream requests together; under 15 s. */
  readonly answerMs: number
}
