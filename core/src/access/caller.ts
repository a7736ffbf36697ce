/** Who asks, as far as it matters to what may be pulled. */
export interface Caller {
  /** Undefined: anonymous. */
  readonly user: string | undefined
  /** A service token's own globs; undefined: no others than everybody's. */
  readonly images: readonly string[] | undefined
  /** What the client sent, for relay upstreams only. */
  readonly authorization: string | undefined
}
