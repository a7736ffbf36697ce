import { expect, test } from 'vitest'
import { readAnswer } from '../fakes/mirror.ts'
import { expectHarmless, image, settle } from './hostile.ts'

const hex = 'a'.repeat(64)
const { digest } = image.root

type Row = readonly [path: string, status: number, code?: string]

const names: readonly Row[] = [
  ['/v2/Owner/name/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner//name/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2//owner/name/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/name//manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner%2Fname/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner%2fname%2fmanifests%2flatest', 404, 'UNSUPPORTED'],
  ['/v2/..%2f..%2f..%2fetc/manifests/passwd', 400, 'NAME_INVALID'],
  ['/v2/owner/..%2fname/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/%2e%2e%2fname/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/%2e%2e/manifests/latest', 404, 'UNSUPPORTED'],
  ['/v2/../../etc/passwd', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/../../../manifests/latest', 404, 'UNSUPPORTED'],
  ['/v2/owner/./name/manifests/latest', 200],
  ['/v2/other/../owner/name/manifests/latest', 200],
  ['/v2/owner/na..me/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/na___me/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/.name/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/name./manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/-name/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/name-/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/_name/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/na%20me/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/na me/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/na+me/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/name%00/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/name%0d%0aX-Injected:%201/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/n%C3%A4me/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/näme/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/%F0%9F%90%B3/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/%ff%fe/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/%/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/%zz/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/name%3Blatest/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/name;a=b/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/<script>alert(1)</script>/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/${jndi:ldap:x}/manifests/latest', 400, 'NAME_INVALID'],
  ["/v2/owner/name'or'1'='1/manifests/latest", 400, 'NAME_INVALID'],
  ['/v2/owner/name@sha256/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner/na:me/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/owner\\name/manifests/latest', 200],
  [`/v2/${'a'.repeat(256)}/manifests/latest`, 400, 'NAME_INVALID'],
  [`/v2/${'a/'.repeat(200)}a/manifests/latest`, 400, 'NAME_INVALID'],
  [`/v2/${'a'.repeat(7_000)}/manifests/latest`, 400, 'NAME_INVALID'],
  [`/v2/${'a-'.repeat(3_500)}!/manifests/latest`, 400, 'NAME_INVALID'],
  ['/v2/manifests/manifests/manifests', 403, 'DENIED'],
  ['/v2/__proto__/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/constructor/manifests/latest', 403, 'DENIED'],
  ['/v2/constructor/name/manifests/latest', 403, 'DENIED'],
]

const registriesNamed: readonly Row[] = [
  ['/v2/evil.example.com/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/evil.example.com:443/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/localhost/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/localhost:5000/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/127.0.0.1/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/169.254.169.254/latest/meta-data/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/[::1]/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/user:pass@registry.test/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/registry.test.evil.example/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/registry.test:8080/owner/name/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/registry.test%2eevil.example/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/REGISTRY.TEST/owner/name/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/http:/evil.example.com/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/registry.test/registry.test/owner/name/manifests/latest', 403, 'DENIED'],
  ['/v2/registry.test/evil.example.com/a/manifests/latest', 403, 'DENIED'],
  ['/v2/registry.test/../evil.example.com/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/evil.example.com/v2/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/evil.example.com/v2/', 404, 'NAME_UNKNOWN'],
  ['/localhost:80/v2/a/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/a/b/v2/owner/name/manifests/latest', 404, 'UNSUPPORTED'],
  ['/registry.test/v2/v2/owner/name/manifests/latest', 403, 'DENIED'],
  ['/v2/owner/name/manifests/latest?ns=evil.example.com', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=http://evil.example.com', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=169.254.169.254', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=localhost:2375', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=registry.test:8080', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=registry.test%00', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=registry.test/../evil', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=%0d%0aevil', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=constructor', 404, 'NAME_UNKNOWN'],
  [`/v2/owner/name/manifests/latest?ns=${'a'.repeat(7_000)}`, 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?ns=REGISTRY.test', 200],
  ['/v2/owner/name/manifests/latest?ns=registry.test&ns=evil.example.com', 200],
  ['/v2/owner/name/manifests/latest?ns=evil.example.com&ns=registry.test', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/latest?%6es=evil.example.com', 200],
  ['/v2/owner/name/manifests/latest?xns=evil.example.com', 200],
  ['http://evil.example.com/v2/owner/name/manifests/latest', 200],
  ['http://169.254.169.254/v2/owner/name/manifests/latest', 200],
  ['http://registry.test.evil.example.com/v2/owner/name/manifests/latest', 200],
]

const references: readonly Row[] = [
  ['/v2/owner/name/manifests/', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/manifests/.latest', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/-latest', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/la%20test', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/latest%00', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/latest%0a', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/latest%3Fa=b', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/..%2fother%2fmanifests%2flatest', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/l%C3%A4test', 400, 'TAG_INVALID'],
  [`/v2/owner/name/manifests/${'a'.repeat(129)}`, 400, 'TAG_INVALID'],
  [`/v2/owner/name/manifests/${'a'.repeat(128)}`, 404, 'MANIFEST_UNKNOWN'],
  ['/v2/owner/name/manifests/latest/', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/manifests/latest/more', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/manifests/sha256:abc', 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/manifests/sha256:${hex.toUpperCase()}`, 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/manifests/sha256:${hex}a`, 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/manifests/sha512:${hex}`, 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/manifests/sha384:${hex}`, 400, 'DIGEST_INVALID'],
  ['/v2/owner/name/manifests/md5:d41d8cd98f00b204e9800998ecf8427e', 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/manifests/sha256:${hex.slice(1)}%00`, 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/manifests/latest@sha256:${hex}`, 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/manifests/${digest.replace(':', '%3A')}`, 200],
  [`/v2/owner/name/manifests/${digest.replace(':', '%3a')}`, 200],
  [`/v2/owner/name/manifests/${digest.replace(':', '%253A')}`, 400, 'TAG_INVALID'],
  [`/v2/owner/name/manifests/${digest.replace(':', '-')}`, 404, 'MANIFEST_UNKNOWN'],
  ['/v2/owner/name/blobs/latest', 400, 'DIGEST_INVALID'],
  ['/v2/owner/name/blobs/', 400, 'DIGEST_INVALID'],
  ['/v2/owner/name/blobs/sha256:../../../etc/passwd', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/blobs/sha256:..%2f..%2fetc%2fpasswd', 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/blobs/sha256:${hex}`, 404, 'BLOB_UNKNOWN'],
  ['/v2/owner/name/blobs/uploads/', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/referrers/latest', 400, 'DIGEST_INVALID'],
  ['/v2/owner/name/referrers/', 400, 'DIGEST_INVALID'],
  ['/v2/owner/name/tags/list/', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/tags/', 404, 'UNSUPPORTED'],
  ['/v2/owner/name/tags/list?n=-1', 200],
  ['/v2/owner/name/tags/list?n=1&last=%00%ff&x=%0d%0a', 200],
  [`/v2/owner/name/tags/list?last=${'%41'.repeat(2_000)}`, 200],
]

const pages: readonly Row[] = [
  ['/v2/_catalog', 404, 'UNSUPPORTED'],
  ['/v2/_catalog?n=100000', 404, 'UNSUPPORTED'],
  ['/v2/_catalog/', 404, 'UNSUPPORTED'],
  ['/v2/registry.test/_catalog', 404, 'UNSUPPORTED'],
  ['/registry.test/v2/_catalog', 404, 'UNSUPPORTED'],
  ['/v2//', 404, 'UNSUPPORTED'],
  ['/v2/manifests/latest', 404, 'UNSUPPORTED'],
  ['/v2/tags/list', 404, 'UNSUPPORTED'],
  ['/v2/owner', 404, 'UNSUPPORTED'],
  ['/V2/', 404, 'UNSUPPORTED'],
  ['/v1/_ping', 404, 'UNSUPPORTED'],
  ['/v3/', 404, 'UNSUPPORTED'],
  ['/v2x/owner/name/manifests/latest', 404, 'UNSUPPORTED'],
  ['/%76%32/', 404, 'UNSUPPORTED'],
  ['//v2/', 404, 'UNSUPPORTED'],
  ['//evil.example.com/v2/', 404, 'UNSUPPORTED'],
  ['/.env', 404, 'UNSUPPORTED'],
  ['/.git/config', 404, 'UNSUPPORTED'],
  ['/etc/passwd', 404, 'UNSUPPORTED'],
  ['/metrics/', 404, 'UNSUPPORTED'],
  ['/healthz%00', 404, 'UNSUPPORTED'],
  ['/token/', 404, 'UNSUPPORTED'],
  ['/<svg/onload=alert(1)>', 404, 'UNSUPPORTED'],
  [`/${'a/'.repeat(3_500)}`, 404, 'UNSUPPORTED'],
  ['/?<script>alert(1)</script>', 200],
  ['/v1/search', 404, 'UNSUPPORTED'],
]

const rows = [...names, ...registriesNamed, ...references, ...pages].map(
  ([path, status, code]) => ({ path, status, code, short: path.slice(0, 80) }),
)

test.each(rows)('$short -> $status $code', async ({ path, status, code }) => {
  const setting = settle()
  const answer = await setting.mirror.get(path)
  expectHarmless(answer, setting)
  expect([answer.status, answer.code]).toEqual([status, code])
  expect(answer.text).not.toContain('<script>')
  const head = await setting.mirror.head(path)
  expect(head.status).toBe(status)
  expect(head.bytes).toHaveLength(0)
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'FOO', 'get'])(
  'the method %s reaches no upstream',
  async (method) => {
    const setting = settle()
    for (const path of ['/v2/owner/name/manifests/latest', '/', '/metrics', '/nothing']) {
      const isGet = method === 'get'
      const answer = await readAnswer(await setting.mirror.fetch(path, { method }))
      expectHarmless(answer, setting)
      if (!isGet) expect([404, 405], path).toContain(answer.status)
    }
    if (method !== 'get') expect(setting.fake.calls).toEqual([])
  },
)
