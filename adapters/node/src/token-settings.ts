import { UserError } from './user-error.ts'

const dayMs = 24 * 3600 * 1000
const mostDays = 3650

/** The end of a token as its line has it; none for `never`. */
export function expiryDate(when: string, now: number): readonly string[] {
  if (when === 'never') return []
  const days = Number(/^(\d{1,4})d$/.exec(when)?.[1])
  const date = days > 0 && days <= mostDays ? new Date(now + days * dayMs) : parseDate(when)
  if (!date) throw new UserError(`--expires is 1d to ${mostDays}d, a date as 2027-02-01, or never`)
  if (date.getTime() + dayMs <= now) throw new UserError('--expires is over already')
  return [`expires=${date.toISOString().slice(0, 10)}`]
}

/** The images of a token as its line has them; what they mean, the server decides. */
export function imagePatterns(list: string | undefined): readonly string[] {
  if (list === undefined) return []
  const patterns = list.split(',').map((pattern) => pattern.trim())
  const wrong = patterns.find((pattern) => !/^[\w./:*?@![\]-]{1,512}$/.test(pattern))
  if (wrong === undefined) return [`images=${patterns.join(',')}`]
  throw new UserError(
    `--images has ${JSON.stringify(wrong.slice(0, 80))}, which is no pattern: write docker.io/library/*,ghcr.io/**`,
  )
}

function parseDate(text: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  const date = new Date(`${text}T00:00:00Z`)
  return Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text) ? undefined : date
}
