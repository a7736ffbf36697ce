export interface Mistake {
  readonly file: string
  /** From 1; 0 where the mistake is not in the file (an environment variable). */
  readonly line: number
  /** `upstreams.docker.io.endpoints[0].url`; empty for the document as a whole. */
  readonly key: string
  /** What is wrong and what to do. Never contains a value: it may be a secret. */
  readonly message: string
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(formatMistake).join('\n'))
    this.mistakes = mistakes
  }
}

/** Thrown by the parsers of single values; becomes a Mistake where the key is known. */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue'
}

export type KeyPath = readonly (string | number)[]

/** Collects mistakes; of several about one value the first counts, and those below a wrong value do not. */
export interface Report {
  /** Notes where a key stands, before anything is said about it. */
  locate(path: KeyPath, line: number): void
  add(path: KeyPath, message: string, line?: number): void
  addVariable(name: string, message: string): void
  /** For what makes the rest of the document meaningless. */
  fail(...found: readonly { readonly line: number; readonly message: string }[]): never
  isWrong(path: KeyPath): boolean
  throwIfAny(): void
}

export function createReport(file: string): Report {
  const lines = new Map<string, number>()
  const wrong = new Set<string>()
  const mistakes: Mistake[] = []

  const isWrong = (path: KeyPath): boolean =>
    path.some((_, index) => wrong.has(JSON.stringify(path.slice(0, index + 1))))

  const throwIfAny = (): void => {
    if (mistakes.length === 0) return
    throw new ConfigError(mistakes.toSorted((a, b) => a.line - b.line))
  }

  return {
    locate: (path, line) => void lines.set(JSON.stringify(path), line),
    add(path, message, line = nearestLine(lines, path)) {
      if (isWrong(path)) return
      wrong.add(JSON.stringify(path))
      mistakes.push({ file, line, key: formatKeyPath(path), message })
    },
    addVariable: (name, message) =>
      void mistakes.push({ file: 'environment', line: 0, key: name, message }),
    fail(...found) {
      throw new ConfigError([...mistakes, ...found.map((one) => ({ file, key: '', ...one }))])
    },
    isWrong,
    throwIfAny,
  }
}

function formatKeyPath(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? formatKey(part) : `${text}.${formatKey(part)}`
  }, '')
}

/** A key is the operator's text: what could break the line or the terminal is escaped. */
function formatKey(key: string): string {
  if (/^[\w$./:?[\]-]{1,100}$/.test(key)) return key
  return JSON.stringify(key.slice(0, 100)).replace(/\p{C}/gu, '?')
}

function formatMistake({ file, line, key, message }: Mistake): string {
  return [line === 0 ? file : `${file}:${line}`, ...(key === '' ? [] : [key]), message].join(': ')
}

/** What an alias brought in has no line of its own: the alias's counts. */
function nearestLine(lines: ReadonlyMap<string, number>, path: KeyPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const line = lines.get(JSON.stringify(path.slice(0, length)))
    if (line !== undefined) return line
  }
  return 1
}
