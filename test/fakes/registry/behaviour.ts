import type { Answer } from './answer.ts'

/** How the played registry behaves: the switches of registries.md, section 19b. */
export interface Behaviour {
  /** Hosts that answer the registry API; the first is the one that clients name. */
  readonly hosts: readonly string[]
  /** Hosts that only send API requests on to another one. */
  readonly fronts: readonly Front[]
  /** Put before each repository's name at the API hosts, as registry.k8s.io's backend does. */
  readonly repositoryPrefix: string
  readonly access: 'open' | 'token' | 'basic'
  readonly challenge: ChallengeBehaviour
  /** `/v2/` when access is granted; it needs a token wherever `challenge.ping` has lines. */
  readonly ping: Answer
  /** `/v2` without the slash. */
  readonly bareV2: 'same' | 'redirect' | 'not-found'
  readonly token: TokenBehaviour
  readonly users: Readonly<Record<string, string>>
  readonly unknownRepository: Answer
  readonly unknownTag: Answer
  readonly manifests: ManifestBehaviour
  readonly blobs: BlobBehaviour
  readonly blobHost: BlobHostBehaviour
  readonly tags: TagsBehaviour
  readonly referrers: 'native' | 'not-found' | 'off-site' | 'web-page'
  /** Whether the tag `sha256-<hex>` gives the subject itself, as GitLab's does. */
  readonly fallbackTag: 'as-pushed' | 'subject'
  readonly rateLimit: RateLimitBehaviour | undefined
  /** On every answer of the API hosts; several values become several header lines. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly apiVersion: 'always' | 'ping-only' | 'never'
  readonly userAgents: 'any' | 'products-only'
  readonly search: SearchBehaviour | undefined
}

export interface Front {
  readonly host: string
  readonly status: number
  /** `{path}` is the asked path, `{rest}` what follows `/v2/`, `{search}` the query; registry.k8s.io loses it. */
  readonly location: string
  /** Blobs go here instead, straight to a blob host, if given: `{hex}`, `{digest}`. */
  readonly blobLocation?: string
  /** `/v2/` itself; undefined: sent on as everything else. */
  readonly ping?: Answer
  readonly body?: string
}

export interface ChallengeBehaviour {
  /** Header lines on `/v2/`, verbatim. */
  readonly ping: readonly string[]
  /** Header lines on a repository, verbatim but for `{name}`. */
  readonly repository: readonly string[]
  /** Put behind the first line when a token came but was not enough. */
  readonly insufficient: string
  /** The answer that carries them. */
  readonly answer: Answer
}

export type TokenField = 'token' | 'access_token' | 'expires_in' | 'issued_at'

export interface TokenBehaviour {
  readonly realm: string
  readonly fields: readonly TokenField[]
  readonly lifeSeconds: number
  /** `jwt` and `base64` as registries use them; `odd` holds `+`, `/` and `=`. */
  readonly form: 'jwt' | 'base64' | 'odd'
  /** Whether any bearer at all opens public repositories, as ghcr.io's does. */
  readonly anyBearer: boolean
  /** For a scope that the asker may not have. */
  readonly denied: 'empty-access' | Answer
  readonly wrongCredentials: Answer
  /** Overrules everything. */
  readonly always: Answer | undefined
  readonly post: 'grant' | Answer
}

export interface ManifestBehaviour {
  /** What happens when Accept lacks the manifest's type: 404, a schema 1 manifest, or nothing. */
  readonly accept: 'strict' | 'downgrade' | 'ignore'
  readonly digestHeader: 'always' | 'head-only' | 'get-only' | 'never'
  readonly etag: 'none' | 'digest'
  readonly headLength: boolean
  readonly gzip: 'never' | 'when-asked' | 'always'
}

export interface Hop {
  readonly status: number
  /** `{digest}`, `{hex}`, `{two}` (its first two digits), `{encoded}` (`sha256%3A<hex>`), `{name}`, `{serial}`. */
  readonly location: string
  readonly body: 'empty' | 'html' | 'errors'
  readonly headers?: Readonly<Record<string, string>>
}

export interface BlobBehaviour {
  /** Where a GET is sent, hop after hop; empty: the registry serves the bytes itself. */
  readonly hops: readonly Hop[]
  readonly head: 'serve' | 'redirect' | Answer
  readonly headLength: boolean
}

export interface BlobHostBehaviour {
  /** The registry's own host, after a relative redirect, takes its own Authorization. */
  readonly authorization: 'refuse' | 'ignore'
  readonly head: 'serve' | Answer
  /** Life of a signed address. */
  readonly lifeSeconds: number
  readonly acceptRanges: boolean
  readonly ranges: 'honour' | 'ignore' | 'closed-only'
  readonly content: 'right' | 'truncated' | 'wrong' | Answer
  readonly contentLength: boolean
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly gzip: 'never' | 'when-asked'
  readonly userAgents: 'any' | 'products-only'
}

export interface TagsBehaviour {
  readonly paging: 'none' | 'last' | 'last-n-zero' | 'opaque' | 'next-page'
  readonly pageSize: number
  /** Adds Google's `child` and `manifest` keys. */
  readonly extraKeys: boolean
  /** Adds `null` and digests to the list, as Nexus and JFrog may. */
  readonly oddEntries: boolean
}

export interface RateLimitBehaviour {
  readonly limit: number
  readonly windowSeconds: number
  /** Puts spaces around the `;`. */
  readonly spaced: boolean
  /** Repeats the headers as `x-ratelimit-*`. */
  readonly copies: boolean
  readonly source: string
  readonly exhausted: Answer
}

export interface SearchBehaviour {
  readonly host: string
}

type Section<T> = T extends readonly unknown[] ? T : T extends object ? Partial<T> : T

/** What a test sets; the rest is as a plain registry with a token realm of its own has it. */
export type Settings = {
  readonly [K in keyof Behaviour]?: K extends SectionName ? Section<Behaviour[K]> : Behaviour[K]
}

type SectionName = 'challenge' | 'token' | 'manifests' | 'blobs' | 'blobHost' | 'tags'
