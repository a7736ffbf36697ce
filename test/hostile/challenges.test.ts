import { expect, test } from 'vitest'
import { expectHarmless, settle } from './hostile.ts'

const realm = 'https://auth.registry.test/token'
const path = '/v2/owner/name/manifests/latest'

/** Challenges that lead to no token, so that the upstream's 401 stands. */
const useless: readonly string[] = [
  '',
  ',',
  ',,,, ,',
  '=',
  '"',
  '""',
  'Bearer',
  'Bearer ',
  'Bearer realm',
  'Bearer realm=',
  'Bearer realm=""',
  'Bearer ="x"',
  'Bearer realm="relative/path"',
  'Bearer realm="/token"',
  'Bearer realm="//"',
  'Bearer realm="https://"',
  'Bearer realm="https://[::1"',
  'Bearer realm="https://a b/token"',
  'Bearer realm="not a url"',
  'Bearer realm="ftp://registry.test/token"',
  'Bearer realm="file:///etc/passwd"',
  'Bearer realm="javascript:alert(1)"',
  'Bearer realm="data:application/json,{}"',
  'Bearer realm="gopher://registry.test/"',
  'Bearer realm="https://evil.example.com/token"',
  'Bearer realm="https://evil.example.com/token",realm="https://auth.registry.test/token"',
  'Bearer realm="http://auth.registry.test/token"',
  'Bearer realm="HTTP://registry.test/token"',
  'Bearer realm="https://registry.test.evil.example.com/token"',
  'Bearer realm="https://evilregistry.test/token"',
  'Bearer realm="https://registry.test@evil.example.com/token"',
  'Bearer realm="https://evil.example.com#registry.test"',
  'Bearer realm="https://evil.example.com?registry.test"',
  'Bearer realm="https://evil.example.com\\\\.registry.test/token"',
  'Bearer realm="https://user:password@auth.registry.test/token"',
  'Bearer realm="https://user@auth.registry.test/token"',
  'Bearer realm="https://127.0.0.1/token"',
  'Bearer realm="https://127.1/token"',
  'Bearer realm="https://2130706433/token"',
  'Bearer realm="https://0x7f000001/token"',
  'Bearer realm="https://0177.0.0.1/token"',
  'Bearer realm="https://[::1]/token"',
  'Bearer realm="https://[::ffff:127.0.0.1]/token"',
  'Bearer realm="https://[fe80::1]/token"',
  'Bearer realm="https://[fd00:ec2::254]/token"',
  'Bearer realm="https://localhost/token"',
  'Bearer realm="https://localhost.:443/token"',
  'Bearer realm="http://169.254.169.254/latest/meta-data/"',
  'Bearer realm="https://169.254.169.254/latest/meta-data/"',
  'Bearer realm="https://metadata.google.internal/token"',
  'Bearer realm="https://10.0.0.1/token"',
  'Bearer realm="https://192.168.0.1/token"',
  'Bearer realm="https://100.64.0.1/token"',
  'Bearer realm="https://0.0.0.0/token"',
  'Bearer realm="https://test/token"',
  'Bearer realm="https://xn--registry-9za.test/token"',
  `Bearer realm="https://${'a'.repeat(300)}.test/token"`,
  `Bearer realm="https://evil.example.com/${'a'.repeat(100_000)}"`,
  `Bearer ${'a="b",'.repeat(20_000)}realm="${realm}"`,
  `Bearer ${'"'.repeat(50_000)}`,
  `Bearer ${'\\"'.repeat(50_000)}`,
  `Bearer ${' '.repeat(50_000)}x`,
  `Bearer realm="${'\\'.repeat(50_000)}`,
  'Bearer '.repeat(10_000),
  ', '.repeat(50_000),
  'a'.repeat(100_000),
  'a=,'.repeat(30_000),
  'Basic',
  'Basic realm="x"',
  'Basic bearer realm="https://evil.example.com/token"',
  'Digest realm="x", qop="auth", nonce="bearer realm=https://evil.example.com"',
  'Basic realm="Bearer realm=https://evil.example.com/token"',
  'Negotiate, NTLM, Kerberos',
  'Negotiate YIIB==,',
  'Mutual realm="https://evil.example.com/token"',
  '\u00e4 realm="https://evil.example.com/token"',
  'Bearer realm="https://\u00e4vil.example.com/token"',
  "Bearer realm='https://auth.registry.test/token'",
]

/** Odd, but they lead to the realm; what else they ask for is not done. */
const usable: readonly string[] = [
  `Bearer realm="${realm}"`,
  `Bearer realm="${realm}",`,
  `,,Bearer realm="${realm}"`,
  `Bearer,realm="${realm}"`,
  `Bearer realm="${realm}`,
  `Bearer realm=${realm}`,
  `Bearer Realm="${realm}",REALM="https://evil.example.com/"`,
  `Bearer realm="https://evil.example.com/token", Bearer realm="${realm}"`,
  `Bearer realm="http://169.254.169.254/", Bearer realm="${realm}"`,
  `Basic realm="https://evil.example.com/", Bearer realm="${realm}"`,
  `Bearer realm="${realm}",scope="repository:admin/secret:pull,push,delete registry:catalog:*"`,
  `Bearer realm="${realm}",service="x\\r\\nX-Injected: 1"`,
  `Bearer realm="${realm}",service="x&scope=repository:admin/secret:*"`,
  `Bearer realm="${realm}",service="${'s'.repeat(2_000)}"`,
  `Bearer realm="${realm}?scope=repository:admin/secret:pull&service=evil"`,
  `Bearer realm="${realm}#fragment"`,
  `Bearer realm="${realm}",error="insufficient_scope",__proto__="x",constructor="y"`,
  `Bearer realm="https://auth.registry.test:443/token"`,
  `Bearer realm="https://AUTH.registry.TEST/token"`,
  `Bearer realm="https://auth.registry.test/x/../token"`,
  `Bearer realm="\\h\\t\\t\\p\\s://auth.registry.test/token"`,
]

test.each(useless.map((line) => ({ line, short: line.slice(0, 80) })))(
  'refused: $short',
  async ({ line }) => {
    const setting = settle({ challenge: { ping: [line], repository: [line], insufficient: '' } })
    const startedAt = performance.now()
    const answer = await setting.mirror.get(path, { authorization: 'Basic dTpw' })
    expect(performance.now() - startedAt, 'read in linear time').toBeLessThan(2_000)
    expectHarmless(answer, setting)
    expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
    expect(setting.fake.calls.map(({ kind }) => kind)).toEqual(['manifest'])
  },
)

test.each(usable.map((line) => ({ line, short: line.slice(0, 80) })))(
  'read as meant: $short',
  async ({ line }) => {
    const setting = settle({ challenge: { ping: [line], repository: [line], insufficient: '' } })
    const answer = await setting.mirror.get(path)
    expectHarmless(answer, setting)
    expect(answer.status).toBe(200)
    const [token] = setting.fake.calls.filter(({ kind }) => kind === 'token')
    expect(token!.url.searchParams.getAll('scope')).toEqual(['repository:owner/name:pull'])
    expect(token!.url.searchParams.getAll('service').length).toBeLessThanOrEqual(1)
    for (const { headers } of setting.fake.calls) expect(headers.get('x-injected')).toBeNull()
  },
)

test('several hostile lines at once, and the good one last', async () => {
  const lines = [
    ...useless.filter((line) => line.length < 90 && !/["\\]$|'/.test(line)).slice(0, 10),
    `Bearer realm="${realm}"`,
  ]
  const setting = settle({ challenge: { ping: lines, repository: lines } })
  const answer = await setting.mirror.get(path)
  expectHarmless(answer, setting)
  expect([200, 403]).toContain(answer.status)
})

/** Redirects of the realm: a token is asked for where the challenge says, and nowhere else. */
test.each([
  'https://evil.example.com/token',
  'http://169.254.169.254/',
  'https://auth.registry.test/token',
  '/token',
])('a realm that redirects to %s gives no token', async (location) => {
  const setting = settle()
  const answer = { status: 307, headers: { location } }
  setting.fake.fail({ kind: 'token' }, { kind: 'answer', answer })
  const answered = await setting.mirror.get(path)
  expectHarmless(answered, setting)
  expect([answered.status, answered.code]).toEqual([503, 'UNAVAILABLE'])
})
