import { InvalidValue } from './mistakes.ts'

const shortestTokenKey = 32
const longestMessage = 500
const longestAgent = 200

/** A name that logs in, `*` for everybody, `anonymous` for who has not logged in. */
export function parseUser(text: string): string {
  if (text === '*' || /^[^\s:,*\p{C}]{1,128}$/u.test(text)) return text
  throw new InvalidValue(
    'must be a user name of at most 128 characters without spaces, ":", "," and "*", or "*" alone for everybody',
  )
}

/** A part of a User-Agent header, in lower case. */
export function parseAgent(text: string): string {
  if (text.length <= longestAgent && !/\p{Cc}/u.test(text)) return text.toLowerCase()
  throw new InvalidValue(`must be a part of a User-Agent of at most ${longestAgent} characters`)
}

export function parseMessage(text: string): string {
  if (text.length <= longestMessage && !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)) return text
  throw new InvalidValue(`must be one line of at most ${longestMessage} characters`)
}

export function parseTokenKey(text: string): string {
  if (text.length >= shortestTokenKey && !/\p{Cc}/u.test(text)) return text
  throw new InvalidValue(
    `must have at least ${shortestTokenKey} characters: make one with "openssl rand -hex 32"`,
  )
}
