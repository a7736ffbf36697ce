import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeImage } from '../clients/upstream/images.ts'
import { accept, expectContent, expectError } from './expect.ts'
import { topOf } from './pull.ts'
import { readersRegistry, startWorld, type World } from './world.ts'

const official = makeImage('library/pullway-official:1.0', [1000])
const owned = makeImage('owner/pullway-owned:1.0', [1000])
/** Only the account of the other registry gets it. */
const secret = makeImage('private/pullway-secret:1.0', [1000])
const manifest = 'manifests/1.0'

let world: World

beforeAll(async () => {
  world = await startWorld(official, owned, secret)
})

beforeEach(() => world.reset())

afterAll(() => world.stop())

interface Naming {
  readonly what: string
  readonly path: string
  readonly host?: string
  readonly image?: typeof owned
}

const owner = `owner/pullway-owned/${manifest}`
const hidden = `private/pullway-secret/${manifest}`
const bare = `pullway-official/${manifest}`

const namings: readonly Naming[] = [
  { what: 'the default', path: `/v2/${owner}` },
  { what: 'a name before the repository', path: `/v2/docker.io/${owner}` },
  { what: 'another name of it', path: `/v2/registry-1.docker.io/${owner}` },
  { what: 'an alias before the repository', path: `/v2/hub/${owner}` },
  { what: 'a name before /v2/', path: `/docker.io/v2/${owner}` },
  { what: 'an alias before /v2/', path: `/hub/v2/${owner}` },
  { what: '?ns=', path: `/v2/${owner}?ns=docker.io` },
  { what: 'a prefix against ?ns=', path: `/v2/hub/${owner}?ns=unknown.example.com` },
  { what: "the registry's own Host", path: `/v2/${owner}`, host: 'registry-1.docker.io' },
  { what: 'a configured Host', path: `/v2/${owner}`, host: 'docker.mirror.example.com' },
  { what: 'an alias as sub-domain', path: `/v2/${owner}`, host: 'hub.mirror.example.com' },
  { what: 'library/ left out', path: `/v2/${bare}`, image: official },
  { what: 'library/ left out behind a prefix', path: `/v2/docker.io/${bare}`, image: official },
  { what: 'library/ left out with ?ns=', path: `/v2/${bare}?ns=docker.io`, image: official },
  { what: 'library/ written', path: `/v2/library/${bare}`, image: official },
]

const elsewhere: readonly Naming[] = [
  { what: 'a name before the repository', path: `/v2/${readersRegistry}/${hidden}` },
  { what: 'a name before /v2/', path: `/${readersRegistry}/v2/${hidden}` },
  { what: '?ns=', path: `/v2/${hidden}?ns=${readersRegistry}` },
  { what: '?ns= with a port', path: `/v2/${hidden}?ns=${readersRegistry}:443` },
  { what: 'its Host', path: `/v2/${hidden}`, host: readersRegistry },
  { what: 'a sub-domain', path: `/v2/${hidden}`, host: `${readersRegistry}.mirror.example.com` },
  {
    what: '?ns= against Host',
    path: `/v2/${hidden}?ns=${readersRegistry}`,
    host: 'docker.mirror.example.com',
  },
].map(({ what, ...naming }) => ({ what: `another registry by ${what}`, image: secret, ...naming }))

test('what only the other registry gives is not had from the default', async () => {
  const answer = await world.ask(`/v2/${hidden}`, { headers: { accept } })
  expectError(answer, { status: 403, code: 'DENIED' })
})

test.each([...namings, ...elsewhere])('$what', async ({ path, host, image = owned }) => {
  const answer = await world.ask(path, { headers: { accept, ...(host && { host }) } })
  expect(answer.links).toEqual([])
  expectContent(answer, topOf(image))
  expect(world.stage.asked().length).toBeGreaterThan(0)
})

test('library/ belongs to Docker Hub alone', async () => {
  const answer = await world.ask(`/v2/${readersRegistry}/${bare}`, { headers: { accept } })
  expect(answer.status).toBe(404)
})

test('with the account of one registry nothing is asked for another', async () => {
  await world.ask(`/v2/${owner}`, { headers: { accept } })
  const atRealm = world.hub.asked({ host: 'token' })
  expect(atRealm.filter(({ authorization }) => authorization)).toEqual([])
})

const hex = 'a'.repeat(64)

const refused: readonly (readonly [path: string, status: number, code: string])[] = [
  ['/v2/Owner/name/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner//name/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner%2Fname/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/..%2fname/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/..%2f..%2f..%2fetc/manifests/passwd', 400, 'NAME_INVALID'],
  ['/v2/owner/na..me/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/-name/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/name%00/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/name%0d%0aX-Injected:%201/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/n%C3%A4me/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/%zz/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/name@sha256/manifests/1.0', 400, 'NAME_INVALID'],
  [`/v2/${'a'.repeat(256)}/manifests/1.0`, 400, 'NAME_INVALID'],
  ['/v2/__proto__/manifests/1.0', 400, 'NAME_INVALID'],
  ['/v2/owner/name/manifests/.hidden', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/-tag', 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/a%20b', 400, 'TAG_INVALID'],
  [`/v2/owner/name/manifests/${'a'.repeat(129)}`, 400, 'TAG_INVALID'],
  ['/v2/owner/name/manifests/sha256:abc', 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/blobs/sha256:${hex.toUpperCase()}`, 400, 'DIGEST_INVALID'],
  [`/v2/owner/name/blobs/md5:${hex.slice(32)}`, 400, 'DIGEST_INVALID'],
  ['/v2/owner/name/blobs/latest', 400, 'DIGEST_INVALID'],
  ['/v2/owner/name/referrers/latest', 400, 'DIGEST_INVALID'],
  ['/v2/localhost:5000/a/manifests/1.0', 404, 'NAME_UNKNOWN'],
  ['/v2/169.254.169.254/latest/meta-data/manifests/1.0', 404, 'NAME_UNKNOWN'],
  ['/v2/user:pass@docker.io/a/manifests/1.0', 404, 'NAME_UNKNOWN'],
  ['/v2/docker.io:8080/owner/name/manifests/1.0', 404, 'NAME_UNKNOWN'],
  ['/unknown.example.com/v2/a/manifests/1.0', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/1.0?ns=unknown.example.com', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/manifests/1.0?ns=169.254.169.254', 404, 'NAME_UNKNOWN'],
  ['/v2/owner/name/unknown/1.0', 404, 'UNSUPPORTED'],
  ['/v2/../../etc/passwd', 404, 'UNSUPPORTED'],
  ['/.env', 404, 'UNSUPPORTED'],
]

describe('is refused, and asks nobody', () => {
  test.each(refused)('%s', async (path, status, code) => {
    expectError(await world.ask(path, { headers: { accept } }), { status, code })
    expect(world.stage.asked()).toEqual([])
    expect((await world.ask('/v2/')).status).toBe(200)
  })
})
