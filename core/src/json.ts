/** What a JSON text says; undefined, which no JSON says, where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The same of UTF-8 bytes. */
export function decodeJson(bytes: Uint8Array | undefined): unknown {
  return parseJson(new TextDecoder().decode(bytes))
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
