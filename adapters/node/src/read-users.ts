import { resolve } from 'node:path'
import { linesOf, parseUsers, type UserEntry } from '@pullway/core'
import { verifyBcrypt } from './bcrypt.ts'
import { readUsersFile } from './users-file.ts'

/** All entries of a file of users; throws all its mistakes at once. */
export async function readUserEntries(folder: string, file: string): Promise<readonly UserEntry[]> {
  const { text } = await readUsersFile(resolve(folder, file))
  return [...parseUsers(linesOf(file, text), { verifyBcrypt }).values()]
}
