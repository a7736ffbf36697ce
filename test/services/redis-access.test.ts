import { readFile } from 'node:fs/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { inspect } from 'node:util'
import { createRedisKeyValue, type RedisKeyValue } from '@pullway/redis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { makeFolder } from '../clients/folder.ts'
import { run } from '../clients/process.ts'
import { startRedis, type RedisServer } from './redis.ts'

const secret = 'pa%3Ass/w%40rd-17'
const password = decodeURIComponent(secret)

async function start(...settings: readonly string[]): Promise<RedisServer> {
  const redis = await startRedis(settings)
  onTestFinished(() => redis.remove())
  return redis
}

function open(url: string): RedisKeyValue {
  const store = createRedisKeyValue({ url })
  onTestFinished(() => store.close())
  return store
}

const withUser = (redis: RedisServer, user: string): string => redis.url.replace('//', `//${user}@`)

/** An error in all its parts, as a careless logger would show it. */
const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => expect.fail('it worked'),
    (error: unknown) => inspect(error, { depth: 10, showHidden: true }),
  )

function expectNoSecret(text: string): void {
  for (const part of [secret, password, encodeURIComponent(password)]) {
    expect(text).not.toContain(part)
  }
}

test.each([
  ['a password alone', ['--requirepass', password], `:${encodeURIComponent(password)}`],
  [
    'a user and a password',
    ['--user', 'mirror', 'on', `>${password}`, '~pullway:*', '+get', '+set', '+del'],
    `mirror:${encodeURIComponent(password)}`,
  ],
])('%s open the way', async (_, settings, user) => {
  const redis = await start(...settings)
  const store = open(withUser(redis, user))
  await store.set('key', 'value', 60)
  expect(await store.get('key')).toBe('value')
})

test.each([
  ['none', undefined, 'NOAUTH'],
  ['a wrong one', ':wrong-secret-4711', 'WRONGPASS'],
])('a password, but %s: refused with the reason, and no more', async (_, user, reason) => {
  const redis = await start('--requirepass', password)
  const store = open(user === undefined ? redis.url : withUser(redis, user))
  const printed = vi.spyOn(console, 'warn')
  for (let time = 0; time < 3; time += 1) {
    const failure = await failureOf(store.set('key', 'a-token-8472', 60))
    expect(failure).toContain(reason)
    expect(failure).not.toContain('wrong-secret-4711')
    expect(failure).not.toContain('a-token-8472')
    expectNoSecret(failure)
  }
  expect(printed).not.toHaveBeenCalled()
})

test('a command that Redis does not know is not quoted with its values', async () => {
  const redis = await start('--rename-command', 'SET', 'HIDDEN')
  const failure = await failureOf(open(redis.url).set('key', 'a-token-8472', 60))
  expect(failure).toContain('unknown command')
  expect(failure).not.toContain('a-token-8472')
})

test.each([
  `http://user:${secret}@127.0.0.1`,
  `redis//user:${secret}@127.0.0.1`,
  `redis://user:${secret}@127.0.0.1:port`,
  secret,
])('a wrong URL is refused without being shown', (url) => {
  try {
    createRedisKeyValue({ url })
    expect.fail('it was taken')
  } catch (error) {
    expect(String(error)).toContain('must begin with redis:// or rediss://')
    expectNoSecret(inspect(error, { depth: 10, showHidden: true }))
  }
})

test('rediss: speaks TLS, with those alone whose certificate is trusted', async () => {
  const folder = await makeFolder('tls')
  onTestFinished(() => folder.remove())
  const [key, certificate] = [`${folder.path}/key.pem`, `${folder.path}/certificate.pem`]
  const subject = ['-subj', '/CN=redis', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const out = ['-days', '2', '-keyout', key, '-out', certificate]
  await run('openssl', ['req', ...kind, ...subject, ...out])
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key]
  const redis = await start(...files, '--tls-auth-clients', 'no')

  expect(await failureOf(open(redis.url).get('key'))).toMatch(/self-signed certificate/)

  const trusted = getCACertificates('default')
  onTestFinished(() => setDefaultCACertificates(trusted))
  setDefaultCACertificates([...trusted, await readFile(certificate, 'utf8')])
  const store = open(redis.url)
  await store.set('key', 'value', 60)
  expect(await store.get('key')).toBe('value')
})
