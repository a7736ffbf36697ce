import { chown, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { reasonOf } from './read-config.ts'
import { UserError } from './user-error.ts'

export type Edit = (lines: readonly string[]) => readonly string[]

/**
 * Replaces the whole file at once, so that a server never reads half of it. The new one is made beside it under
 * a fixed name, which keeps two edits from happening at the same time. Resolves to the lines as they were.
 */
export async function editUsers(
  folder: string,
  name: string,
  edit: Edit,
): Promise<readonly string[]> {
  const file = await followLinks(resolve(folder, name))
  const draft = `${file}.new`
  const old = await stat(file).catch(() => undefined)
  // Who may read the old file, but strangers, may read the new one: it may be another user who serves.
  const mode = old ? old.mode & 0o660 : 0o600
  const handle = await open(draft, 'wx', mode).catch((error: unknown) => {
    throw new UserError(`cannot write ${draft}: ${whyNot(error)}`, { cause: error })
  })
  try {
    const text = old ? await readFile(file, 'utf8') : ''
    const former = text === '' ? [] : text.replace(/\r?\n$/, '').split('\n')
    await handle.writeFile(
      edit(former)
        .map((line) => `${line}\n`)
        .join(''),
    )
    await handle.chmod(mode)
    await handle.sync()
    if (old) await chown(draft, old.uid, old.gid).catch(() => undefined)
    await rename(draft, file)
    return former
  } catch (error) {
    await rm(draft, { force: true })
    if (error instanceof UserError) throw error
    throw new UserError(`cannot write ${name}: ${reasonOf(error)}`, { cause: error })
  } finally {
    await handle.close()
  }
}

/** Puts a user's line in the place of the former one, or at the end. */
export function withLine(lines: readonly string[], name: string, line: string): readonly string[] {
  const place = lines.findIndex((one) => isLineOf(one, name))
  return place < 0 ? [...lines, line] : lines.with(place, line)
}

export function isLineOf(line: string, name: string): boolean {
  return line.startsWith(`${name}:`)
}

async function followLinks(file: string): Promise<string> {
  return realpath(file).catch(() => file)
}

function whyNot(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EEXIST'
    ? 'it is there already: another "pullway user" is at work, or was cut off, and then it can be removed'
    : reasonOf(error)
}
