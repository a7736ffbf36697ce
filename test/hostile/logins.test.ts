import { describe, expect, test } from 'vitest'
import {
  basic,
  bearer,
  createLoginWorld,
  hashes,
  type LoginWorld,
  secret,
  usersFile,
} from '../fakes/login-world.ts'
import type { Answered } from '../fakes/mirror.ts'

const manifest = '/v2/library/nginx/manifests/latest'

/** What no login may lead to: a pull, a failure of ours, a question upstream, or its words in the log. */
function expectRefused(answer: Answered, world: LoginWorld, sent: string): void {
  expect([401, 429], answer.text).toContain(answer.status)
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(['UNAUTHORIZED', 'TOOMANYREQUESTS']).toContain(answer.code)
  expect(answer.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  expect(world.registry.calls).toEqual([])
  const challenge = answer.headers.get('www-authenticate') ?? 'Bearer realm="'
  expect(challenge).toMatch(/^(?:Bearer|Basic) realm="/)
  const log = world.logged.join('\n')
  expect(log).not.toContain('a request failed')
  if (sent.length > 12) expect(log + answer.text).not.toContain(sent)
}

const encode = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Authorization headers that are nobody's. */
const headers: readonly string[] = [
  'Basic',
  'Basic ',
  'Basic =',
  'Basic ====',
  'Basic ???',
  'Basic YWxpY2U',
  `Basic ${encode('alice')}`,
  `Basic ${encode('alice:')}`,
  `Basic ${encode(':alice-password')}`,
  `Basic ${encode('alice:alice-password ')}`,
  `Basic ${encode(' alice:alice-password')}`,
  `Basic ${encode('ALICE:alice-password')}`,
  `Basic ${encode('alice:Alice-password')}`,
  `Basic ${encode('alice:alice-passwor')}`,
  `Basic ${encode('alice:alice-password\0')}`,
  `Basic ${encode('alice\0:alice-password')}`,
  `Basic ${encode('alice\n:alice-password')}`,
  `Basic ${encode('alice:alice-password\r\nX: y')}`,
  `Basic ${encode('alice\u0085:alice-password')}`,
  `Basic ${encode('alice:alice:alice-password')}`,
  `Basic ${encode('alice:bob-password')}`,
  `Basic ${encode(`alice:${hashes.aliceHash}`)}`,
  `Basic ${encode(`ci-bot:${hashes.secretDigest}`)}`,
  `Basic ${encode(`ci-bot:$token$${hashes.secretDigest}`)}`,
  `Basic ${encode(`ci-bot:pwt_${hashes.secretDigest}`)}`,
  `Basic ${encode(`ci-bot:${secret.toUpperCase()}`)}`,
  `Basic ${encode(`ci-bot:${secret.slice(0, -1)}`)}`,
  `Basic ${encode(`ci-bot:${secret}0`)}`,
  `Basic ${encode('ci-bot:pwt_')}`,
  `Basic ${encode('anonymous:')}`,
  `Basic ${encode('anonymous:anonymous')}`,
  `Basic ${encode('*:*')}`,
  `Basic ${encode('# who may pull:x')}`,
  `Basic ${encode('__proto__:x')}`,
  `Basic ${encode('constructor:x')}`,
  `Basic ${encode('toString:x')}`,
  `Basic ${encode('hasOwnProperty:')}`,
  `Basic ${encode(new Uint8Array([0xff, 0xfe, 0x3a, 0xff]))}`,
  `Basic ${encode(new Uint8Array([0x61, 0x3a, 0xc0, 0x80]))}`,
  `Basic ${encode('\ufeffalice:alice-password')}`,
  `Basic ${encode(`${'a'.repeat(256)}:x`)}`,
  `Basic ${encode(`alice:${'x'.repeat(1025)}`)}`,
  `Basic ${encode(`alice:${'x'.repeat(20_000)}`)}`,
  `Basic ${encode(`${'a'.repeat(200_000)}:x`)}`,
  `Basic ${'A'.repeat(8_000)}`,
  `${basic('alice:alice-password')}, Bearer x`,
  `Bearer x, ${basic('alice:alice-password')}`,
  `${basic('alice:alice-password')} ${basic('alice:alice-password')}`,
  `Basic  ${'='.repeat(100)}`,
  'Bearer',
  'Bearer ',
  'Bearer anonymous',
  'Bearer a.b.c',
  'Bearer ..',
  'Bearer null',
  'Bearer undefined',
  `Bearer ${'a'.repeat(30_000)}`,
  `Bearer ${'.'.repeat(4_000)}`,
  `Bearer pwt_${'0'.repeat(64)}`,
  `Bearer pwr_${'0'.repeat(64)}`,
  'Bearer "x"',
  'Bearer x y',
  'Digest username="alice"',
  'Negotiate YII=',
  'Token x',
  'alice:alice-password',
  encode('alice:alice-password'),
  '\u00ff\u00fe',
  '%42asic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=',
]

describe.each([
  ['/v2/', manifest],
  ['/token', '/token?scope=repository:library/nginx:pull'],
])('Authorization at %s', (_, path) => {
  test.each(headers.map((header) => [header.slice(0, 70), header] as const))(
    '%s',
    async (_, authorization) => {
      const world = createLoginWorld()
      const answer = await world.drive(world.get(path, { authorization }))
      expectRefused(answer, world, authorization)
      const ping = await world.drive(world.head('/v2/', { authorization }))
      expect([401, 429]).toContain(ping.status)
    },
  )

  test.each(headers.map((header) => [header.slice(0, 70), header] as const))(
    'where the anonymous are let in, %s is not one of them',
    async (_, authorization) => {
      const world = createLoginWorld({ anonymous: true })
      const answer = await world.drive(world.get(path, { authorization }))
      const isNothing = authorization.trim() === ''
      expect(answer.status).toBe(isNothing ? 200 : 401)
    },
  )
})

test.each(['basic', 'BASIC', 'bAsIc'])('the scheme %s is read in any case', async (scheme) => {
  const world = createLoginWorld()
  const authorization = basic('alice:alice-password').replace('Basic', scheme)
  expect((await world.get('/v2/', { authorization })).status).toBe(200)
})

const forms: readonly (readonly [string, string | Uint8Array<ArrayBuffer>, number])[] = [
  ['nothing', '', 400],
  ['no grant', 'username=alice&password=alice-password', 400],
  ['an unknown grant', 'grant_type=client_credentials&username=alice&password=alice-password', 400],
  [
    'another grant after it',
    'grant_type=x&grant_type=password&username=alice&password=alice-password',
    400,
  ],
  ['JSON', '{"grant_type":"password","username":"alice","password":"alice-password"}', 400],
  ['no name and no password', 'grant_type=password', 401],
  ['no password', 'grant_type=password&username=alice', 401],
  ['no name', 'grant_type=password&password=alice-password', 401],
  ['a name in two', 'grant_type=password&username=x&username=alice&password=alice-password', 401],
  [
    'a password in two',
    'grant_type=password&username=alice&password=x&password=alice-password',
    401,
  ],
  ['NUL', 'grant_type=password&username=alice&password=alice-password%00', 401],
  ['a line break', 'grant_type=password&username=alice%0a&password=alice-password', 401],
  ['a colon', 'grant_type=password&username=alice:&password=alice-password', 401],
  ['a long name', `grant_type=password&password=x&username=${'a'.repeat(300)}`, 401],
  ['a long password', `grant_type=password&username=alice&password=${'a'.repeat(3_000)}`, 401],
  ['a giant form', `grant_type=password&username=alice&password=${'a'.repeat(30_000)}`, 400],
  ['bytes', new Uint8Array([0xff, 0xfe, 0x00, 0x26, 0x3d]), 400],
  ['an empty refresh token', 'grant_type=refresh_token&refresh_token=', 401],
  ['no refresh token', 'grant_type=refresh_token', 401],
  ['a guessed refresh token', `grant_type=refresh_token&refresh_token=pwr_${'0'.repeat(64)}`, 401],
  ['a path as refresh token', 'grant_type=refresh_token&refresh_token=pwr_../../tag/x', 401],
  ['a service token as refresh token', `grant_type=refresh_token&refresh_token=${secret}`, 401],
  ['a thousand fields', `${'a=b&'.repeat(1_000)}grant_type=password`, 401],
]

test.each(forms)('POST /token with %s', async (_, body, status) => {
  for (const anonymous of [false, true]) {
    const world = createLoginWorld({ anonymous })
    const { readAnswer } = await import('../fakes/mirror.ts')
    const asked = world.fetch('/token', { method: 'POST', body })
    const answer = await readAnswer(await world.drive(asked))
    const isNobody =
      anonymous &&
      (body.toString().startsWith('grant_type=password') ||
        body.toString().endsWith('grant_type=password')) &&
      !/username=|password=/.test(body.toString())
    expect(answer.status).toBe(isNobody ? 200 : status)
    expect(world.logged.join('\n')).not.toContain('a request failed')
    expect(world.logged.join('\n')).not.toContain('alice-password')
  }
})

test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
  '%s /token is no way to a token',
  async (method) => {
    const world = createLoginWorld()
    const { readAnswer } = await import('../fakes/mirror.ts')
    const headers = { authorization: basic('alice:alice-password') }
    const answer = await readAnswer(await world.fetch('/token', { method, headers }))
    expect([answer.status, answer.code]).toEqual([405, 'UNSUPPORTED'])
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST')
  },
)

/** Paths in which somebody looks for a secret, or for a way around the login. */
const paths: readonly string[] = [
  `/t/pwt_${'0'.repeat(64)}${manifest}`,
  `/t/${secret}x${manifest}`,
  `/t/${secret.slice(0, -1)}${manifest}`,
  `/t/${secret.toUpperCase()}${manifest}`,
  `/t/${hashes.secretDigest}${manifest}`,
  `/t/alice-password${manifest}`,
  `/t/alice:alice-password${manifest}`,
  `/t/*${manifest}`,
  `/t/__proto__${manifest}`,
  `/t/%00${manifest}`,
  `/t/${secret}%20${manifest}`,
  `/t/${secret}/../../${manifest}`,
  `/t/x/docker.io${manifest}`,
  `/t/${'a'.repeat(3_000)}${manifest}`,
  `/T/${secret}${manifest}`,
  `//t/${secret}${manifest}`,
  `/t//${secret}${manifest}`,
  `/t/x/t/${secret}${manifest}`,
  `/v2/t/${secret}/library/nginx/manifests/latest`,
  `/docker.io/t/${secret}${manifest}`,
  `/t/${secret}/a/b${manifest}`,
  '/v2/library/nginx/manifests/latest?ns=docker.io',
  '/docker.io/v2/library/nginx/manifests/latest',
  '/v2/docker.io/library/nginx/manifests/latest',
  '/v2/library/nginx/manifests/%6catest',
  '/v2//library/nginx/manifests/latest',
  '/v2/library/nginx/manifests/latest?token=x',
  `/v2/library/nginx/manifests/latest?access_token=${secret}`,
  `/v2/library/nginx/manifests/latest?secret=${secret}`,
  '/V2/library/nginx/manifests/latest',
  '/./v2/library/nginx/manifests/latest',
  '/healthz/../v2/library/nginx/manifests/latest',
]

test.each(paths.map((path) => [path.slice(0, 90), path] as const))(
  '%s gives nothing',
  async (_, path) => {
    const world = createLoginWorld()
    for (const answer of [await world.get(path), await world.head(path)]) {
      expect([400, 401, 404]).toContain(answer.status)
      expect(answer.headers.get('docker-content-digest')).toBeNull()
    }
    expect(world.registry.calls).toEqual([])
    expect(world.logged.join('\n')).not.toContain(secret.slice(4))
  },
)

/** Names that would stand in a log, a rule or a header. */
const names: readonly string[] = [
  'a b',
  'a"b',
  'a\\b',
  '$(id)',
  '<b>',
  'a,b',
  'a;b',
  '-',
  '*',
  'anonymous',
  '',
  'a'.repeat(129),
  '\u202ealice',
  'a\u0000b',
  'a/b',
  '../x',
  '{a}',
]

test.each(names)('no file can have a user called %j', async (name) => {
  const text = `${usersFile}${name}:${hashes.aliceHash}\n`
  expect(() => createLoginWorld({ users: text })).toThrow(/^htpasswd:7: begins with a name/)
})

const scopes: readonly (readonly [string, readonly string[]])[] = [
  ['repository:library/nginx:pull', ['library/nginx']],
  ['repository:library/nginx:pull,push,delete,*', ['library/nginx']],
  ['repository(plugin):library/nginx:pull', ['library/nginx']],
  ['repository:docker.io/library/nginx:pull', ['docker.io/library/nginx']],
  ['repository:library/nginx:push', []],
  ['repository:library/nginx:', []],
  ['repository::pull', []],
  ['repository:library/nginx', []],
  ['registry:catalog:*', []],
  ['repository:../../etc/passwd:pull', []],
  ['repository:library/nginx/../../secret:pull', []],
  ['repository:LIBRARY/NGINX:pull', []],
  ['repository:library/nginx\n:pull', []],
  ['repository:library/nginx",admin="true:pull', []],
  ['repository:*:pull', []],
  ['repository:**:pull', []],
  ['repository:evil.example.com/x:pull', []],
  ['repository:169.254.169.254/x:pull', []],
  [`repository:${'a/'.repeat(400)}a:pull`, []],
  [`repository:library/nginx:${'pull,'.repeat(1_000)}pull`, []],
  ['repository:__proto__:pull', []],
  [' '.repeat(1_000), []],
  [':'.repeat(1_000), []],
  ['repository:library/nginx:pull '.repeat(150), ['library/nginx']],
]

test.each(scopes.map(([scope, granted]) => [scope.slice(0, 60), scope, granted] as const))(
  'the scope %j',
  async (_, scope, granted) => {
    const world = createLoginWorld()
    const answer = await world.token(`?scope=${encodeURIComponent(scope)}`, 'alice:alice-password')
    expect(answer.status).toBe(200)
    const [, payload] = bearer(answer).authorization.split('.')
    const { access } = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as {
      access: { name: string; actions: string[] }[]
    }
    expect([...new Set(access.map(({ name }) => name))]).toEqual(granted)
    for (const { actions } of access) expect(actions).toEqual(['pull'])
    expect(access.length).toBeLessThan(20)
  },
)

describe('time', () => {
  test('an unknown user is compared with somebody’s password, too', async () => {
    const compared: string[] = []
    const world = createLoginWorld({
      verifyBcrypt: async (password, hash) => {
        compared.push(`${password} ${hash.slice(0, 4)}`)
        return false
      },
      users: `alice:${hashes.aliceHash}\nci-bot:$token$${hashes.secretDigest}\n`,
    })
    for (const login of ['alice:x1', 'nobody:x2', 'ci-bot:x3', ':x4', '__proto__:x5'])
      expect((await world.drive(world.token('', login))).status).toBe(401)
    expect(compared).toEqual(['x1 $2y$', 'x2 $2y$', 'x3 $2y$', 'x4 $2y$', 'x5 $2y$'])
  })

  test('a wrong guess of one user and of none wait alike', async () => {
    const waits = await Promise.all(
      ['alice:wrong', 'nobody:wrong', 'ci-bot:wrong'].map(async (login) => {
        const world = createLoginWorld()
        const begin = world.clock.now()
        await world.drive(world.token('', login))
        return world.clock.now() - begin
      }),
    )
    expect(new Set(waits).size).toBe(1)
  })

  test('a flood of logins is turned away, and what runs is few', async () => {
    let running = 0
    let most = 0
    const world = createLoginWorld({
      verifyBcrypt: async (_, hash) => {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        return hash === 'never'
      },
    })
    const asked = Array.from({ length: 200 }, (_, index) =>
      world.fetch(
        '/token',
        { headers: { authorization: basic(`alice:guess-${index}`) } },
        { clientAddress: `198.51.100.${index}` },
      ),
    )
    const statuses = (await world.drive(Promise.all(asked))).map(({ status }) => status)
    expect(most).toBe(2)
    expect(statuses.filter((status) => status === 429).length).toBe(200 - 66)
    expect(statuses.filter((status) => status === 401).length).toBe(66)
  })
})
