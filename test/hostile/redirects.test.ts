import { describe, expect, test } from 'vitest'
import type { Answer } from '../fakes/registry/index.ts'
import { expectHarmless, image, settle } from './hostile.ts'

const blob = image.blobs[1]!
const blobPath = `/v2/owner/name/blobs/${blob.digest}`
const manifestPath = '/v2/owner/name/manifests/latest'

/** Where no redirect may lead. */
const locations: readonly string[] = [
  '',
  ' ',
  'http://',
  'https://',
  'https:///',
  'https://:443/',
  'https://[::1',
  'https://a b/',
  'https://%/',
  'https://cdn.test:99999/',
  'http://cdn.test/blob',
  'http://registry.test/v2/owner/name/blobs/x',
  'HTTP://cdn.test/',
  'ftp://cdn.test/blob',
  'file:///etc/passwd',
  'file://cdn.test/etc/passwd',
  'data:application/octet-stream;base64,AAAA',
  'javascript:alert(1)',
  'blob:https://cdn.test/1',
  'about:blank',
  'ws://cdn.test/',
  'wss://cdn.test/',
  'gopher://cdn.test/',
  'https+unix:///var/run/docker.sock',
  'https://127.0.0.1/',
  'https://127.0.0.1:2375/containers/json',
  'https://127.1/',
  'https://127.000.000.001/',
  'https://0177.1/',
  'https://0x7f.1/',
  'https://2130706433/',
  'https://017700000001/',
  'https://0/',
  'https://0.0.0.0/',
  'https://10.1.2.3/',
  'https://172.16.0.1/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://192.0.0.192/',
  'https://198.18.0.1/',
  'https://100.64.1.1/',
  'https://100.100.100.200/latest/meta-data/',
  'https://169.254.169.254/latest/meta-data/iam/',
  'https://169.254.170.2/v2/credentials/',
  'https://168.63.129.16/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://[::]/',
  'https://[::1]/',
  'https://[::1]:6443/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[64:ff9b::a9fe:a9fe]/',
  'https://[2002:7f00:1::]/',
  'https://[fe80::1]/',
  'https://[fc00::1]/',
  'https://[fd00:ec2::254]/latest/meta-data/',
  'https://[ff02::1]/',
  'https://localhost/',
  'https://LOCALHOST:8080/',
  'https://localhost./',
  'https://a.localhost/',
  'https://printer.local/',
  'https://metadata.google.internal/computeMetadata/v1/',
  'https://kubernetes.default.svc.cluster.local/',
  'https://user:password@cdn.test/blob',
  'https://user@cdn.test/blob',
  'https://:@127.0.0.1/',
  'https://cdn.test@127.0.0.1/',
  'https://127.0.0.1#@cdn.test/',
  'https://127.0.0.1\\@cdn.test/',
  'https://\u2460\u2461\u2466.0.0.1/',
  'https://\uff11\uff12\uff17.0.0.1/',
  'https://127\u30020.0.1/',
  '//127.0.0.1/',
  '\\\\127.0.0.1\\',
  '/\\127.0.0.1/',
  '\thttps://127.0.0.1/',
]

function redirect(status: number, location: string): Answer {
  // A header holds bytes; what lies beyond Latin-1 comes as its UTF-8 bytes.
  const asBytes = Buffer.from(location).toString('latin1')
  return { status, headers: location === '' ? {} : { location: asBytes.trimEnd() } }
}

describe.each(locations)('a redirect to %j', (location) => {
  test.each([
    ['blob', blobPath],
    ['manifest', manifestPath],
    ['tags', '/v2/owner/name/tags/list'],
  ] as const)('of a %s', async (kind, path) => {
    const setting = settle()
    setting.fake.fail({ kind }, { kind: 'answer', answer: redirect(307, location) })
    const answer = await setting.mirror.get(path)
    expectHarmless(answer, setting)
    expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
    expect(setting.fake.calls.every((call) => call.kind === kind || call.kind === 'token')).toBe(
      true,
    )
  })
})

test.each([300, 304, 305, 306, 399, 201, 202, 206, 226])(
  'the status %i is no redirect and no content',
  async (status) => {
    for (const [kind, path] of [
      ['blob', blobPath],
      ['manifest', manifestPath],
    ] as const) {
      const setting = settle({ access: 'open' })
      const answer = {
        status,
        headers: { location: 'https://cdn.test/x' },
        body: status === 304 ? '' : 'x',
      }
      setting.fake.fail({ kind }, { kind: 'answer', answer })
      const answered = await setting.mirror.get(path)
      expectHarmless(answered, setting)
      expect([answered.status, answered.code]).toEqual([503, 'UNAVAILABLE'])
      expect(setting.fake.calls).toHaveLength(1)
    }
  },
)

test.each([
  ['to itself', blobPath],
  ['to itself with a growing query', '?a'],
  ['between two hosts', 'https://cdn.test/loop'],
])('a loop %s comes to an end', async (_, location) => {
  const setting = settle({ access: 'open' })
  const answer = redirect(302, location)
  setting.fake.fail({ kind: 'blob' }, { kind: 'answer', answer })
  const answered = await setting.mirror.get(blobPath)
  expect([answered.status, answered.code]).toEqual([503, 'UNAVAILABLE'])
  expect(setting.fake.calls.length).toBeLessThanOrEqual(10)
})

test('the last hop of a chain is looked at as the first is', async () => {
  const hops = [
    'https://cdn.test/{serial}',
    'https://cdn.test/b/{serial}',
    'https://127.0.0.1/{serial}',
  ]
  const setting = settle({
    blobs: { hops: hops.map((location) => ({ status: 302, location, body: 'empty' })) },
  })
  const answer = await setting.mirror.get(blobPath)
  expectHarmless(answer, setting)
  expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
})

test('a chain that comes back brings no token to the stranger in between', async () => {
  const setting = settle({
    blobs: {
      hops: [
        { status: 307, location: 'https://cdn.test/{serial}', body: 'empty' },
        { status: 307, location: 'https://registry.test/blob/{serial}', body: 'empty' },
      ],
    },
  })
  const answer = await setting.mirror.get(blobPath, {
    authorization: 'Bearer client',
    cookie: 'a=b',
  })
  expectHarmless(answer, setting)
  expect(answer.status).toBe(200)
  const atCdn = setting.fake.calls.filter(({ url }) => url.host === 'cdn.test')
  expect(atCdn.map(({ headers }) => headers.get('authorization'))).toEqual([null])
})
