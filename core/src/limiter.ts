/** So many in the long run, and so many at once after a pause. */
export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

export interface Taken {
  readonly allowed: boolean
  /** When the same would be allowed; 0 where it is. */
  readonly retryAfterSeconds: number
}

/** Counts what clients take, each by its key; a refusal takes nothing. Shared between mirrors where it can be. */
export interface Limiter {
  take(key: string, cost: number, limit: RateLimit): Promise<Taken>
}
