import { expect, test } from 'vitest'
import * as edge from '../../adapters/vercel/src/edge.ts'
import * as node from '../../adapters/vercel/src/node.ts'
import { basic, hashes } from '../fakes/login-world.ts'
import { createFakeConsole } from './console.ts'

const tokenKey = 'tokenKey: a key that every instance of the function has'
const runtimes = { node, edge }

async function ask(
  runtime: keyof typeof runtimes,
  users: string,
  login: string,
): Promise<{ readonly status: number; readonly problems: string }> {
  const console = createFakeConsole()
  const document = `access: { users: { ${users} } }`
  const handler = runtimes[runtime].createHandler({}, { document, console })
  const headers = { authorization: basic(login) }
  const { status } = await handler(new Request('https://mirror.test/v2/', { headers }))
  return { status, problems: console.lines('error').join('\n') }
}

const bcrypt = `entries: ['alice:${hashes.aliceHash}'], ${tokenKey}`
const pbkdf2 = `entries: ['carol:${hashes.carolHash}'], ${tokenKey}`

test.each([
  ['node', bcrypt, 'alice:alice-password', 200],
  ['node', pbkdf2, 'carol:carol-password', 200],
  ['edge', pbkdf2, 'carol:carol-password', 200],
] as const)('%s compares passwords: %s', async (runtime, users, login, status) => {
  expect(await ask(runtime, users, login)).toEqual({ status, problems: '' })
})

test.each([
  ['edge', bcrypt, /access\.users\.entries\[0\].*the entry of \\?"alice\\?" is bcrypt/],
  ['node', `entries: ['carol:${hashes.carolHash}']`, /access\.users\.tokenKey.*is missing/],
  ['edge', `entries: ['carol:${hashes.carolHash}']`, /access\.users\.tokenKey.*is missing/],
  ['node', `htpasswd: x, ${tokenKey}`, /access\.users\.htpasswd.*this platform has no files/],
] as const)('%s says what it cannot do: %s', async (runtime, users, problem) => {
  const { status, problems } = await ask(runtime, users, 'alice:alice-password')
  expect(status).toBe(500)
  expect(problems).toMatch(problem)
})
