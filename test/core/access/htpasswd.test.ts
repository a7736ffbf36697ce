import { ConfigError } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { linesOf, parseUsers } from '../../../core/src/access/htpasswd.ts'
import {
  hashWithPbkdf2,
  parsePasswordHash,
  type PasswordMeans,
  verifyPassword,
} from '../../../core/src/access/password-hash.ts'
import { hashes } from '../../fakes/login-world.ts'
import { verifyBcrypt } from '@pullway/node'

const means: PasswordMeans = { verifyBcrypt }
const digest = 'ab'.repeat(32)

function mistakes(text: string, given: PasswordMeans = means): readonly string[] {
  try {
    parseUsers(linesOf('users', text), given)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
}

test('comments, empty lines, CRLF and a byte order mark are nothing', () => {
  const text = `\uFEFF# people\r\n\r\n   \r\nalice:${hashes.aliceHash}\r\n#bob:x\nü.Name_1@example.com+x-y:${hashes.bobHash}   \n`
  const users = parseUsers(linesOf('users', text), means)
  expect([...users.keys()]).toEqual(['alice', 'ü.Name_1@example.com+x-y'])
})

test.each([
  ['nothing', `ci:$token$${digest}`, undefined, undefined],
  ['an end', `ci:$token$${digest}$expires=2027-02-01`, Date.UTC(2027, 1, 2), undefined],
  ['images', `ci:$token$${digest}$images=a/*,b/**`, undefined, ['a/*', 'b/**']],
  [
    'both, the other way',
    `ci:$token$${digest}$images=a$expires=2028-02-29`,
    Date.UTC(2028, 2, 1),
    ['a'],
  ],
])('a token with %s', (_, line, expiresAt, images) => {
  const secret = parseUsers(linesOf('users', line), means).get('ci')?.secret
  expect(secret).toEqual({ scheme: 'token', digest, expiresAt, images })
})

test.each([
  ['alice', /^users:1: is no entry/],
  ['alice:', /the entry of "alice" is empty/],
  [':x', /begins with a name that cannot be one/],
  ['alice:alice-password', /plain text or an old crypt/],
  ['alice:rqXexS6ZhobKA', /plain text or an old crypt/],
  ['alice:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=', /is SHA-1/],
  ['alice:{SSHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=', /is SHA-1/],
  ['alice:$apr1$Xx$QqQ', /is MD5 \(apr1\)/],
  ['alice:$1$Xx$QqQ', /is MD5 \(crypt\)/],
  ['alice:$5$x$y', /is SHA crypt/],
  ['alice:$6$x$y', /is SHA crypt/],
  ['alice:$argon2id$v=19$m=1$x$y', /of a kind that is not known/],
  ['alice:$2x$05$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', /is broken: a bcrypt/],
  ['alice:$2$05$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', /is broken: a bcrypt/],
  ['alice:$2y$05$short', /is broken: a bcrypt/],
  [`alice:${hashes.aliceHash}x`, /is broken: a bcrypt/],
  [`alice:${hashes.aliceHash}:1000:1000`, /is broken: a bcrypt/],
  [`alice:${hashes.aliceHash.replace('$04$', '$31$')}`, /a bcrypt cost of 31/],
  [`alice:${hashes.aliceHash.replace('$04$', '$03$')}`, /is broken: a bcrypt/],
  ['alice:$pbkdf2-sha1$i=100000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g', /is broken: write/],
  ['alice:$pbkdf2$100000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g', /is broken: write/],
  ['alice:$pbkdf2-sha256$i=100000$c2FsdHNhbHQ', /is broken: write/],
  ['alice:$pbkdf2-sha256$i=0$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g', /0 iterations, which is no/],
  ['alice:$pbkdf2-sha256$i=9999$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g', /9999 iterations/],
  ['alice:$pbkdf2-sha256$i=999999999$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g', /2000000 at most/],
  ['alice:$pbkdf2-sha256$i=1e6$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g', /is broken: write/],
  ['ci:$token$', /a token is \$token\$, 64 hex digits/],
  [`ci:$token$${digest.toUpperCase()}`, /64 hex digits/],
  [`ci:$token$${digest}$forever`, /64 hex digits/],
  [`ci:$token$${digest}$expires=`, /64 hex digits/],
  [`ci:$token$${digest}$expires=tomorrow`, /ends on no date/],
  [`ci:$token$${digest}$expires=2027-02-30`, /ends on no date/],
  [`ci:$token$${digest}$expires=2027-2-1`, /ends on no date/],
])('%s is refused by its line', (line, message) => {
  expect(mistakes(line)).toHaveLength(1)
  expect(mistakes(line)[0]).toMatch(message)
  const value = line.slice(line.lastIndexOf('$') + 1)
  if (line.includes('$') && value.length > 12) expect(mistakes(line)[0]).not.toContain(value)
})

test('all mistakes are told at once, and a name twice is one', () => {
  const text = `alice:${hashes.aliceHash}\nbob:x\n\nalice:${hashes.bobHash}\ncarol:{SHA}x\n`
  expect(mistakes(text).map((line) => line.slice(0, 40))).toEqual([
    expect.stringContaining('users:2: the entry of "bob"'),
    'users:4: "alice" is there twice',
    expect.stringContaining('users:5: the entry of "carol"'),
  ])
})

describe('what a platform can compute', () => {
  test('without bcrypt its lines are refused, with advice', () => {
    expect(mistakes(`alice:${hashes.aliceHash}`, {})[0]).toMatch(
      /^users:1: the entry of "alice" is bcrypt, which this platform cannot compute.*--pbkdf2/,
    )
    expect(mistakes(`carol:${hashes.carolHash}`, {})).toEqual([])
  })

  test('no more iterations than the runtime takes', async () => {
    const few = { maxPbkdf2Iterations: 100_000 }
    expect(mistakes(`carol:${hashes.carolHash.replace('10000', '100001')}`, few)[0]).toMatch(
      /this platform computes 100000 at most/,
    )
    expect(mistakes(`alice:${await hashWithPbkdf2('x')}`, few)).toEqual([])
  })

  test.each([
    ['$2y$', hashes.aliceHash, 'alice-password'],
    ['$2b$', hashes.bobHash, 'bob-password'],
    ['$2a$', hashes.bobHash.replace('$2b$', '$2a$'), 'bob-password'],
    ['PBKDF2 as ours', hashes.carolHash, 'carol-password'],
    [
      "PBKDF2 as passlib's",
      hashes.carolHash.replace('i=', '').replaceAll('+', '.'),
      'carol-password',
    ],
  ])('%s', async (_, text, password) => {
    const hash = parsePasswordHash(text, means)
    if (typeof hash === 'string') throw new Error(hash)
    expect(await verifyPassword(password, hash, means)).toBe(true)
    for (const wrong of ['', `${password} `, password.toUpperCase(), password.slice(0, -1)])
      expect(await verifyPassword(wrong, hash, means)).toBe(false)
  })

  test('a new PBKDF2 hash is for its password, in any script, and never the same twice', async () => {
    const password = 'пароль 密码 🔑'
    const texts = [await hashWithPbkdf2(password), await hashWithPbkdf2(password)]
    expect(texts[0]).not.toBe(texts[1])
    for (const text of texts) {
      const hash = parsePasswordHash(text, {})
      if (typeof hash === 'string') throw new Error(hash)
      expect(await verifyPassword(password, hash, {})).toBe(true)
      expect(await verifyPassword('пароль', hash, {})).toBe(false)
    }
  })
})
