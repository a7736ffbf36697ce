declare module 'cloudflare:workers' {
  /** The bindings, known before the first request. */
  export const env: unknown
}
