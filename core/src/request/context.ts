/** What the runtime knows of one request. */
export interface RequestContext {
  /** The peer's IP address; undefined where the platform hides it. */
  readonly clientAddress?: string
  /** Keeps the runtime alive for work that goes on after the answer. */
  waitUntil(work: Promise<unknown>): void
  /**
   * Calls back once when the answer has ended, with the body bytes sent and whether all were. Where a
   * runtime cannot tell, it is absent and the log counts what the answer announced.
   */
  whenSent?(listener: (bodyBytes: number, complete: boolean) => void): void
}
