/** What one file of the state folder holds. */
export interface StateEntry {
  readonly key: string
  readonly value: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export function formatState(entry: StateEntry): string {
  return JSON.stringify(entry)
}

/** Undefined for whatever did not come from `formatState`. */
export function parseState(text: string): StateEntry | undefined {
  try {
    const entry: unknown = JSON.parse(text)
    return isStateEntry(entry) ? entry : undefined
  } catch {
    return undefined
  }
}

function isStateEntry(entry: unknown): entry is StateEntry {
  return (
    typeof entry === 'object' &&
    entry !== null &&
    'key' in entry &&
    typeof entry.key === 'string' &&
    'value' in entry &&
    typeof entry.value === 'string' &&
    'expiresAt' in entry &&
    typeof entry.expiresAt === 'number'
  )
}
