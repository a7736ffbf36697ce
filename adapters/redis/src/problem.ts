/**
 * What went wrong, in one line. The libraries' own errors hold the command they are about, and with it tokens
 * and passwords: no error leaves this package but with such a line, and none as a cause.
 */
export function describeProblem(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  // Node reports several addresses that all refused in one error without a message, but with a code.
  const { message, code, name } = error as Error & { readonly code?: string }
  return withoutArguments(message) || (code ?? name)
}

/** Redis quotes what it was sent: "ERR unknown command 'SET', with args beginning with: 'key' 'value'". */
export function withoutArguments(message: string): string {
  return message.split(/, (?:with args|command was)/, 1)[0] ?? ''
}
