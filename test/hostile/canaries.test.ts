import { expect, test } from 'vitest'
import { makeFolder, runInside, startCli, urlOf } from '../adapters/node-process.ts'

/** Secrets are planted wherever a secret may be, and looked for in everything that comes out. */
const canary = (place: string): string => `canary-${place}-7f3a9c`
const places = [
  'endpoint-password',
  'second-password',
  'password-of-an-account',
  'token-key-of-more-than-thirty-two-characters',
  'redis-password',
  'redis-token',
  's3-secret',
  'hash-of-a-user',
  'client-password',
  'client-bearer',
  'secret-in-the-path',
  'cookie',
]
/** Also as HTTP Basic has it: the middle of what base64 makes of it, whatever stands before. */
const traces = places.flatMap((place) => {
  const text = canary(place)
  const encoded = [0, 1, 2].map((shift) =>
    Buffer.from('x'.repeat(shift) + text)
      .toString('base64')
      .slice(4, -4),
  )
  return [text, encodeURIComponent(text), ...encoded]
})

function expectClean(output: string): void {
  expect(output.length).toBeGreaterThan(0)
  expect(traces.filter((trace) => output.includes(trace))).toEqual([])
}

const refusing = 'http://127.0.0.1:9'

const config = (more: object = {}): object => ({
  listen: '127.0.0.1:0',
  upstreams: {
    'docker.io': {
      endpoints: [
        { url: refusing, username: 'operator', password: canary('endpoint-password') },
        {
          url: `${refusing}/other`,
          username: 'operator',
          password: canary('second-password'),
          accounts: [{ username: 'second', password: canary('password-of-an-account') }],
        },
      ],
    },
  },
  access: {
    users: {
      entries: [`alice:$2b$10$${canary('hash-of-a-user')}`],
      anonymous: true,
      tokenKey: canary('token-key-of-more-than-thirty-two-characters'),
    },
  },
  log: { level: 'info' },
  ...more,
})

test.each<[what: string, document: object]>([
  ['as it should be', config()],
  [
    'with Redis',
    config({
      cache: {
        blobs: { driver: 'memory' },
        state: { driver: 'redis', url: `redis://:${canary('redis-password')}@127.0.0.1:9` },
      },
    }),
  ],
  [
    'with Redis over HTTP',
    config({
      cache: {
        blobs: { driver: 'memory' },
        state: { driver: 'redis', url: refusing, token: canary('redis-token') },
      },
    }),
  ],
  [
    'with S3',
    config({
      cache: {
        blobs: {
          driver: 's3',
          endpoint: refusing,
          bucket: 'images',
          accessKeyId: 'key',
          secretAccessKey: canary('s3-secret'),
        },
      },
    }),
  ],
  [
    'with mistakes everywhere',
    config({
      cache: { state: { driver: 'redis', url: `redus://:${canary('redis-password')}@h` } },
      access: { users: { tokenKey: `${canary('x')}\n`, entries: [canary('hash-of-a-user')] } },
    }),
  ],
])('check says nothing secret of a configuration %s', async (_, document) => {
  await using folder = await makeFolder()
  const file = await folder.write('pullway.yaml', document)
  const { stdout, stderr } = await runInside(['check', '--config', file], { cwd: folder.path })
  expectClean(stdout + stderr)
})

test('a server says nothing secret in answers, logs and metrics', async () => {
  await using folder = await makeFolder()
  const hash = '$2y$04$xH0zrtfot4jME2mHsOsLwOeqi9Ny4NiXUaGXhCpe5hFB4GeGQmP0u'
  const file = await folder.write('pullway.yaml', {
    ...config(),
    access: {
      users: {
        entries: [`alice:${hash}`],
        anonymous: true,
        tokenKey: canary('token-key-of-more-than-thirty-two-characters'),
      },
      admins: ['alice'],
    },
    cache: {
      blobs: { driver: 'memory' },
      state: { driver: 'redis', url: refusing, token: canary('redis-token') },
    },
  })
  await using running = startCli(['serve', '--config', file], { cwd: folder.path })
  const url = await urlOf(running)
  const basic = Buffer.from(`alice:${canary('client-password')}`).toString('base64')
  const logins: readonly Readonly<Record<string, string>>[] = [
    { authorization: `Basic ${basic}` },
    { authorization: `Bearer ${canary('client-bearer')}` },
    { authorization: canary('client-password') },
    { cookie: `session=${canary('cookie')}`, 'x-forwarded-for': '1.2.3.4' },
  ]
  const paths = [
    '/v2/',
    '/v2/library/app/manifests/latest',
    `/t/pwt_${canary('secret-in-the-path')}/v2/library/app/manifests/latest`,
    `/t/${canary('secret-in-the-path')}/v2/`,
    '/token?service=x&scope=repository:library/app:pull',
    '/v1/search?q=app',
    '/metrics',
    '/readyz',
    '/',
    '/nothing',
  ]
  const said: string[] = []
  const administrator = Buffer.from('alice:alice-password').toString('base64')
  for (const path of [paths[1]!, '/api/v1/upstreams', '/api/openapi.json', '/api/docs']) {
    const headers = { authorization: `Basic ${administrator}` }
    said.push(await (await fetch(url + path, { headers })).text())
  }
  for (const path of paths) {
    for (const headers of logins) {
      const answer = await fetch(url + path, { headers })
      said.push(JSON.stringify([...answer.headers]), await answer.text())
    }
  }
  const form = new URLSearchParams({
    grant_type: 'password',
    username: 'alice',
    password: canary('client-password'),
    service: 'x',
  })
  said.push(await (await fetch(`${url}/token`, { method: 'POST', body: form })).text())
  said.push(await (await fetch(`${url}/metrics`)).text())
  running.kill('SIGTERM')
  await running.exited
  const { stdout, stderr } = running.output()
  expect(stdout).toContain('"GET /v2/library/app/manifests/latest')
  expect(said.join('\n')).toContain('"reason": "unreachable"')
  expectClean(said.join('\n'))
  expectClean(stdout + stderr)
})
