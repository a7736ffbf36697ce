import { readFile } from 'node:fs/promises'
import type { UsersFile } from '@pullway/core'
import { reasonOf } from './read-config.ts'
import { UserError } from './user-error.ts'

export async function readUsersFile(file: string): Promise<UsersFile> {
  try {
    return { file, text: await readFile(file, 'utf8') }
  } catch (error) {
    const problem = `cannot read the users in ${file}: ${reasonOf(error)}`
    throw new UserError(problem, { cause: error })
  }
}
