import { createSign, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { run } from '../process.ts'
import { noteRequest, type Asked } from './front.ts'

export interface Account {
  readonly username: string
  readonly password: string
  /** Repositories beside the public ones. */
  readonly mayPull: (repository: string) => boolean
  readonly mayPush: (repository: string) => boolean
}

export interface SigningKey {
  readonly privateKey: string
  /** The certificate's file, in which docker-registry looks up who may sign. */
  readonly certificateFile: string
  readonly certificate: string
}

export const issuer = 'upstream-auth'
export const service = 'upstream-registry'

export async function makeSigningKey(folder: string): Promise<SigningKey> {
  const keyFile = join(folder, 'token.key')
  const certificateFile = join(folder, 'token.crt')
  const subject = ['-subj', `/CN=${issuer}`, '-days', '2']
  const output = ['-keyout', keyFile, '-out', certificateFile]
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...output])
  const [privateKey, pem] = await Promise.all([
    readFile(keyFile, 'utf8'),
    readFile(certificateFile, 'utf8'),
  ])
  const certificate = pem.replaceAll(/-----[A-Z ]+-----|\s/g, '')
  return { privateKey, certificateFile, certificate }
}

/**
 * The token endpoint as Docker Hub's answers: anonymous tokens for what is public, a token without access
 * for the rest (registries.md, 1.2), and 401 without the `errors` form for wrong credentials (1.3).
 */
export function answerTokens(
  key: SigningKey,
  accounts: readonly Account[],
  isPublic: (repository: string) => boolean,
  asked: Asked[],
): RequestListener {
  return (request, response) => {
    const note = noteRequest('token', request)
    asked.push(note)
    const account = findAccount(note.authorization, accounts)
    note.status = account === 'wrong' ? 401 : 200
    response.writeHead(note.status, { 'content-type': 'application/json' })
    if (account === 'wrong') {
      response.end('{"details":"incorrect username or password"}\n')
      return
    }
    const scopes = new URL(note.path, 'http://token').searchParams.getAll('scope')
    const access = scopes.flatMap((scope) => grant(scope, account, isPublic))
    const token = signToken(key, account?.username ?? '', access)
    response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }))
  }
}

interface Access {
  readonly type: 'repository'
  readonly name: string
  readonly actions: readonly string[]
}

function findAccount(
  authorization: string | undefined,
  accounts: readonly Account[],
): Account | undefined | 'wrong' {
  const basic = authorization?.match(/^Basic (.+)$/i)?.[1]
  if (basic === undefined) return undefined
  const pair = Buffer.from(basic, 'base64').toString()
  // Podman and skopeo send an empty user and password when they have no login (clients.md, section 2).
  if (pair === ':') return undefined
  return accounts.find(({ username, password }) => pair === `${username}:${password}`) ?? 'wrong'
}

function grant(
  scope: string,
  account: Account | undefined,
  isPublic: (repository: string) => boolean,
): Access[] {
  const [, name, wanted] = scope.match(/^repository:([^:]+):(.+)$/) ?? []
  if (name === undefined || wanted === undefined) return []
  const allowed: Record<string, boolean> = {
    pull: isPublic(name) || account?.mayPull(name) === true,
    push: account?.mayPush(name) === true,
  }
  const actions = wanted.split(',').filter((action) => allowed[action])
  return actions.length === 0 ? [] : [{ type: 'repository', name, actions }]
}

function signToken(key: SigningKey, subject: string, access: readonly Access[]): string {
  const seconds = Math.floor(Date.now() / 1000)
  const header = { typ: 'JWT', alg: 'RS256', x5c: [key.certificate] }
  const claims = {
    iss: issuer,
    sub: subject,
    aud: service,
    exp: seconds + 300,
    nbf: seconds - 10,
    iat: seconds,
    jti: randomUUID(),
    access,
  }
  const content = [header, claims].map((part) => encode(JSON.stringify(part))).join('.')
  return `${content}.${createSign('RSA-SHA256').update(content).sign(key.privateKey, 'base64url')}`
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
