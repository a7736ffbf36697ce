/** What a command has around it: the process's own, or a test's. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where relative file names begin. */
  readonly folder: string
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Where passwords come from. */
  readonly stdin: Input
}

/** A terminal, or a pipe. */
export type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}
