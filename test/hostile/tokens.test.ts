import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  bearer,
  createLoginWorld,
  hashes,
  type LoginWorld,
  tokenOf,
  usersFile,
} from '../fakes/login-world.ts'

const tokenKey = 'the key of the operator, which nobody knows'

type Part = Record<string, unknown>

interface Genuine {
  readonly world: LoginWorld
  readonly token: string
  readonly header: Part
  readonly claims: Part
  /** Signs as the mirror does; what it was not meant to sign, too. */
  readonly resign: (header: Part, claims: Part, key?: string) => string
}

async function genuine(anonymous = false): Promise<Genuine> {
  const config = `
access: { users: { htpasswd: x, anonymous: ${String(anonymous)}, tokenKey: '${tokenKey}' } }
upstreams: { docker.io: { endpoints: [{ url: 'https://registry.test' }] } }`
  const world = createLoginWorld({ config })
  const { token } = tokenOf(
    await world.token('?scope=repository:library/nginx:pull', 'alice:alice-password'),
  )
  const [header, claims] = token.split('.').slice(0, 2).map(decode) as [Part, Part]
  const resign = (head: Part, payload: Part, key = tokenKey): string => {
    const signed = `${encode(head)}.${encode(payload)}`
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
  }
  return { world, token, header, claims, resign }
}

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString())

async function statusOf(world: LoginWorld, token: string): Promise<number> {
  const answer = await world.pull({ authorization: `Bearer ${token}` })
  if (answer.status === 401) {
    expect(answer.code).toBe('UNAUTHORIZED')
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"$/)
    expect(world.registry.calls).toEqual([])
  }
  expect(world.logged.join('\n')).not.toContain('a request failed')
  return answer.status
}

test('what is signed again as it was is the same token', async () => {
  const { world, token, header, claims, resign } = await genuine()
  expect(resign(header, claims)).toBe(token)
  expect(await statusOf(world, token)).toBe(200)
})

const now = Math.floor(Date.UTC(2026, 10, 21) / 1000)

/** With the right signature, so that it is the claim that is refused. */
const claims: readonly (readonly [string, Part])[] = [
  ['expired', { exp: now - 1 }],
  ['expired at this second', { exp: now }],
  ['an end that is text', { exp: 'never' }],
  ['no end', { exp: undefined }],
  ['an end that is no number', { exp: null }],
  ['not yet', { nbf: now + 100 }],
  ['another audience', { aud: 'other.test' }],
  ['an audience in another case', { aud: 'MIRROR.TEST' }],
  ['no audience', { aud: undefined }],
  ['an empty audience', { aud: [] }],
  ['everybody as audience', { aud: '*' }],
  ['another user with this mark', { sub: 'bob' }],
  ['an unknown user', { sub: 'mallory' }],
  ['a user of Object', { sub: '__proto__' }],
  ['a user that is a number', { sub: 1 }],
  ['an empty user', { sub: '' }],
  ['no mark', { mark: undefined }],
  ['an empty mark', { mark: '' }],
  ['another mark', { mark: '0'.repeat(32) }],
  ['a mark that is true', { mark: true }],
  ['no user: anonymous is not let in', { sub: undefined, mark: undefined }],
  ['a refresh token as access', { use: 'refresh' }],
  ['no use', { use: undefined }],
  ['any use', { use: ['access', 'refresh'] }],
  ['no time of issue', { iat: undefined }],
]

test.each(claims)('claims: %s', async (_, changed) => {
  const { world, header, claims: own, resign } = await genuine()
  expect(await statusOf(world, resign(header, { ...own, ...changed }))).toBe(401)
})

const headers: readonly (readonly [string, Part])[] = [
  ['alg none', { alg: 'none' }],
  ['alg None', { alg: 'None' }],
  ['alg NONE', { alg: 'NONE' }],
  ['no alg', { alg: undefined }],
  ['HS512 said, HS256 done', { alg: 'HS512' }],
  ['HS384', { alg: 'HS384' }],
  ['RS256', { alg: 'RS256' }],
  ['ES256', { alg: 'ES256' }],
  ['EdDSA', { alg: 'EdDSA' }],
  ['hs256', { alg: 'hs256' }],
  ['an alg that is a list', { alg: ['HS256'] }],
  ['no kid', { kid: undefined }],
  ['an empty kid', { kid: '' }],
  ['another kid', { kid: '0'.repeat(32) }],
  ['a kid that is a path', { kid: '../../dev/null' }],
  ['a kid of another key of the state', { kid: '../tag/docker.io/library/nginx:latest' }],
  ['a kid that is a query', { kid: "' OR 1=1 --" }],
  ['a kid that is a number', { kid: 1 }],
  ['a kid of Object', { kid: '__proto__' }],
  ['a giant kid', { kid: 'a'.repeat(5_000) }],
  ['a critical header', { crit: ['x'], x: 1 }],
  ['unencoded payload', { b64: false, crit: ['b64'] }],
]

test.each(headers)('header: %s', async (_, changed) => {
  const { world, header, claims: own, resign } = await genuine()
  expect(await statusOf(world, resign({ ...header, ...changed }, own))).toBe(401)
})

test.each([
  ['a key of their own', 'jwk', { kty: 'oct', k: Buffer.from('mine').toString('base64url') }],
  ['an address for keys', 'jku', 'https://evil.test/keys'],
  ['a certificate', 'x5u', 'https://evil.test/cert'],
  ['a chain', 'x5c', ['MIIB']],
])('%s in the header is nothing that anybody asks for', async (_, name, value) => {
  const { world, header, claims: own, resign } = await genuine()
  expect(await statusOf(world, resign({ ...header, [name]: value }, own, 'mine'))).toBe(401)
})

describe('signatures', () => {
  test.each([
    ['none', ''],
    ['a dot', '.'],
    ['zeros', 'A'.repeat(43)],
    ['half', undefined],
  ])('%s', async (_, signature) => {
    const { world, token } = await genuine()
    const [header, payload, own = ''] = token.split('.')
    expect(await statusOf(world, `${header}.${payload}.${signature ?? own.slice(0, 20)}`)).toBe(401)
  })

  test('of another payload', async () => {
    const { world, token, claims: own } = await genuine()
    const [header, , signature] = token.split('.')
    const payload = encode({ ...own, sub: 'bob' })
    expect(await statusOf(world, `${header}.${payload}.${signature}`)).toBe(401)
  })

  test.each(['', 'secret', 'anonymous', 'mirror.test', 'the key', tokenKey.toUpperCase()])(
    'with the key "%s"',
    async (key) => {
      const { world, header, claims: own, resign } = await genuine()
      const token = resign(header, own, key === '' ? ' ' : key)
      expect(await statusOf(world, token)).toBe(401)
    },
  )

  test('with a private key, whose public one is public', async () => {
    const { world, header, claims: own } = await genuine()
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signed = `${encode({ ...header, alg: 'RS256' })}.${encode(own)}`
    const signature = sign('sha256', Buffer.from(signed), privateKey).toString('base64url')
    expect(await statusOf(world, `${signed}.${signature}`)).toBe(401)
  })

  test('every changed character is seen', async () => {
    const { world, token } = await genuine()
    for (let at = 0; at < token.length - 1; at += 7) {
      const other = token[at] === 'A' ? 'B' : 'A'
      const forged = token.slice(0, at) + other + token.slice(at + 1)
      expect(await statusOf(world, forged), `at ${at}`).toBe(401)
    }
  })
})

describe('a token once more', () => {
  test('at another host of the same mirror', async () => {
    const world = createLoginWorld()
    const headers = bearer(await world.token('', 'alice:alice-password'))
    const there = await world.get('http://other.test/v2/', headers)
    expect(there.status).toBe(401)
    expect(there.headers.get('www-authenticate')).toContain('service="other.test"')
    expect((await world.get('http://mirror.test/v2/', headers)).status).toBe(200)
  })

  test('after its user was removed, or has another password, or came back as another', async () => {
    const world = createLoginWorld()
    const headers = bearer(await world.token('', 'alice:alice-password'))
    const refresh = tokenOf(await world.token('?offline_token=true', 'alice:alice-password'))
    const form = { grant_type: 'refresh_token', refresh_token: refresh.refresh_token! }
    const status = async (): Promise<readonly number[]> => [
      (await world.pull(headers)).status,
      (await world.post(form)).status,
    ]
    expect(await status()).toEqual([200, 200])
    for (const text of [
      usersFile.replace(/^alice.*$/m, ''),
      usersFile.replace(hashes.aliceHash, hashes.bobHash),
      usersFile.replace(/^alice.*$/m, `alice:$token$${'0'.repeat(64)}`),
    ]) {
      world.pullway.replaceUsers({ file: 'htpasswd', text })
      expect(await status()).toEqual([401, 401])
    }
  })

  test('as a refresh token, and a refresh token as a token', async () => {
    for (const key of ['', `, tokenKey: '${tokenKey}'`]) {
      const config = `
access: { users: { htpasswd: x${key} } }
upstreams: { docker.io: { endpoints: [{ url: 'https://registry.test' }] } }`
      const world = createLoginWorld({ config })
      const given = tokenOf(await world.token('?offline_token=true', 'alice:alice-password'))
      const form = { grant_type: 'refresh_token', refresh_token: given.token }
      expect((await world.post(form)).status).toBe(401)
      expect((await world.pull({ authorization: `Bearer ${given.refresh_token}` })).status).toBe(
        401,
      )
      const asked = { authorization: `Bearer ${given.token}` }
      expect((await world.get('/token', asked)).status, 'no token for a token').toBe(401)
    }
  })

  test('when its key is gone: after 12 hours the next one signs', async () => {
    const world = createLoginWorld()
    const first = bearer(await world.token('', 'alice:alice-password'))
    await world.clock.advance(12 * 3600_000)
    const second = bearer(await world.token('', 'alice:alice-password'))
    expect((await world.pull(second)).status).toBe(200)
    expect((await world.pull(first)).status).toBe(401)
    const kid = ({ authorization }: { authorization: string }): unknown =>
      decode(authorization.slice('Bearer '.length).split('.')[0]!)
    expect(kid(first)).not.toEqual(kid(second))
  })

  test('of the anonymous, where they are not let in any more', async () => {
    const open = await genuine(true)
    const headers = bearer(await open.world.token())
    expect((await open.world.pull(headers)).status).toBe(200)
    const closed = await genuine(false)
    expect((await closed.world.pull(headers)).status).toBe(401)
  })
})
