/** What went wrong, in one line for the person at the command line. */
export class UserError extends Error {
  override readonly name = 'UserError'
}
