import { text } from 'node:stream/consumers'
import type { Input, Surroundings } from './surroundings.ts'
import { UserError } from './user-error.ts'

const maxLength = 1024

/** Asked for twice without an echo on a terminal; else the first line of what is piped in. */
export async function askPassword(
  name: string,
  { stdin, stderr }: Pick<Surroundings, 'stdin' | 'stderr'>,
): Promise<string> {
  if (stdin.isTTY !== true) return checked((await text(stdin)).split(/\r?\n/, 1)[0] ?? '')
  const password = checked(await askOnce(`Password for ${name}: `, stdin, stderr))
  const again = await askOnce('The same again: ', stdin, stderr)
  if (again !== password) throw new UserError('the two passwords are not the same')
  return password
}

function checked(password: string): string {
  if (password === '') throw new UserError('the password is empty: nothing was changed')
  if (password.length > maxLength)
    throw new UserError(`the password is longer than ${maxLength} characters`)
  if (/\p{Cc}/u.test(password)) throw new UserError('the password has control characters in it')
  return password
}

const keys = { ctrlC: '\u0003', ctrlD: '\u0004', backspace: '\b', del: '\u007f' } as const

/** In raw mode the terminal shows nothing, and edits nothing either. */
async function askOnce(
  question: string,
  stdin: Input,
  stderr: (text: string) => void,
): Promise<string> {
  stderr(question)
  stdin.setRawMode?.(true)
  stdin.setEncoding('utf8')
  stdin.resume()
  try {
    return await readLine(stdin)
  } finally {
    stdin.setRawMode?.(false)
    stdin.pause()
    stderr('\n')
  }
}

function readLine(stdin: Input): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const finish = (error?: Error): void => {
      stdin.off('data', read)
      stdin.off('end', end)
      if (error) reject(error)
      else resolve(typed.join(''))
    }
    const end = (): void => finish()
    const read = (chunk: string): void => {
      const pressed = Array.from(chunk)
      for (const [index, key] of pressed.entries()) {
        if (key === keys.ctrlC) {
          finish(new UserError('interrupted: nothing was changed'))
          return
        }
        if (key === '\r' || key === '\n' || key === keys.ctrlD) {
          finish()
          // Who pastes both lines at once has typed the second already.
          const rest = pressed.slice(index + 1).join('')
          stdin.pause()
          stdin.unshift(key === '\r' ? rest.replace(/^\n/, '') : rest)
          return
        }
        if (key === keys.backspace || key === keys.del) typed = typed.slice(0, -1)
        else typed.push(key)
      }
    }
    stdin.on('data', read)
    stdin.on('end', end)
  })
}
