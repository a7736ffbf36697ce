import { describe, expect, test } from 'vitest'
import type { Caller } from '../../../core/src/access/caller.ts'
import { createPermit, type Permit } from '../../../core/src/access/permit.ts'
import type { RegistryError } from '../../../core/src/errors.ts'
import type { Digest } from '../../../core/src/ports.ts'
import type { Target } from '../../../core/src/request/parse.ts'
import { parseReference } from '../../../core/src/request/reference.ts'
import type { Route } from '../../../core/src/route.ts'
import { configOf } from '../support/config.ts'

const digest = `sha256:${'a'.repeat(64)}` as const
const other = `sha256:${'b'.repeat(64)}` as const

const targets: Readonly<Record<string, Target>> = {
  tags: { kind: 'tags' },
  blob: { kind: 'blob', digest },
  'other blob': { kind: 'blob', digest: other },
  referrers: { kind: 'referrers', digest },
}

function targetOf(word: string): Target {
  return targets[word] ?? { kind: 'manifest', reference: parseReference(word) }
}

interface World {
  readonly permit: Permit
  readonly looked: string[]
  readonly route: (image: string) => Route
}

/** Every tag `1.19` means `digest`, and no other tag exists. */
function createWorld(yaml: string): World {
  const config = configOf(yaml)
  const looked: string[] = []
  const findMeaning = async (route: Route, tag: string): Promise<Digest | undefined> => {
    looked.push(`${route.upstream.name}/${route.repository}:${tag}`)
    return tag === '1.19' ? digest : undefined
  }
  return {
    permit: createPermit({ config, findMeaning }),
    looked,
    route(image) {
      const slash = image.indexOf('/')
      const upstream = config.upstreams.get(image.slice(0, slash))!
      return { upstream, repository: image.slice(slash + 1), via: 'prefix' }
    },
  }
}

function caller(user?: string, images?: readonly string[]): Caller {
  return { user, images, authorization: undefined }
}

/** `ok`, or the code of the refusal. */
async function verdict(
  { permit, route }: World,
  image: string,
  word: string,
  who: Caller = caller(),
): Promise<string> {
  try {
    await permit.check(who, route(image), targetOf(word))
    return 'ok'
  } catch (error) {
    return (error as RegistryError).code
  }
}

const nginx = 'docker.io/library/nginx'

describe.each<[keys: string, rows: readonly (readonly [string, string, string])[]]>([
  [
    'images: { deny: [nginx] }',
    [
      [nginx, 'latest', 'DENIED'],
      [nginx, digest, 'DENIED'],
      [nginx, 'blob', 'DENIED'],
      [nginx, 'tags', 'DENIED'],
      [nginx, 'referrers', 'DENIED'],
      ['docker.io/library/nginx2', 'latest', 'ok'],
      ['docker.io/owner/nginx', 'latest', 'ok'],
      ['ghcr.io/library/nginx', 'latest', 'ok'],
    ],
  ],
  // A tag: it, and what it means; not what only shares a repository with it.
  [
    'images: { deny: ["nginx:1.19"] }',
    [
      [nginx, '1.19', 'DENIED'],
      [nginx, digest, 'DENIED'],
      [nginx, 'blob', 'DENIED'],
      [nginx, 'referrers', 'DENIED'],
      [nginx, '1.20', 'ok'],
      [nginx, other, 'ok'],
      [nginx, 'other blob', 'ok'],
      [nginx, 'tags', 'ok'],
      ['docker.io/library/redis', '1.19', 'ok'],
      ['docker.io/library/redis', digest, 'ok'],
    ],
  ],
  [
    'images: { deny: ["**:1.19"] }',
    [
      [nginx, digest, 'DENIED'],
      ['ghcr.io/owner/app', '1.19', 'DENIED'],
      ['ghcr.io/owner/app', digest, 'DENIED'],
      ['ghcr.io/owner/app', other, 'ok'],
    ],
  ],
  [
    'images: { deny: ["nginx:1.*"] }',
    [
      [nginx, '1.19', 'DENIED'],
      [nginx, '2.0', 'ok'],
      // What tags a pattern may mean cannot be listed.
      [nginx, digest, 'ok'],
    ],
  ],
  [
    'images: { allow: ["library/*"] }',
    [
      [nginx, 'latest', 'ok'],
      [nginx, 'blob', 'ok'],
      ['docker.io/owner/app', 'latest', 'DENIED'],
      ['docker.io/owner/app', digest, 'DENIED'],
      ['docker.io/library/a/b', 'latest', 'DENIED'],
      ['ghcr.io/library/nginx', 'latest', 'DENIED'],
    ],
  ],
  [
    'images: { allow: ["nginx:1.*"] }',
    [
      [nginx, '1.19', 'ok'],
      [nginx, '2.0', 'DENIED'],
      // A client resolves the tag and asks for its digest.
      [nginx, digest, 'ok'],
      [nginx, 'blob', 'ok'],
      [nginx, 'tags', 'ok'],
      ['docker.io/library/redis', digest, 'DENIED'],
    ],
  ],
  [
    'images: { allow: ["ghcr.io/**"], deny: ["ghcr.io/evil/**"] }',
    [
      ['ghcr.io/a/b/c', 'x', 'ok'],
      ['ghcr.io/evil/b', 'x', 'DENIED'],
      ['ghcr.io/evil/b/c', 'x', 'DENIED'],
      ['ghcr.io/evilx/b', 'x', 'ok'],
      [nginx, 'x', 'DENIED'],
    ],
  ],
  [
    'images: { deny: ["docker.io/*/ap?", "ghcr.io/*/ap?"] }',
    [
      ['docker.io/owner/app', 'x', 'DENIED'],
      ['ghcr.io/owner/apa', 'x', 'DENIED'],
      ['ghcr.io/owner/apples', 'x', 'ok'],
      ['ghcr.io/owner/team/app', 'x', 'ok'],
      ['quay.io/owner/app', 'x', 'ok'],
    ],
  ],
])('access: { %s }', (keys, rows) => {
  test.each(rows)('%s %s: %s', async (image, word, expected) => {
    expect(await verdict(createWorld(`access: { ${keys} }`), image, word)).toBe(expected)
  })
})

describe('images of an upstream', () => {
  const world = createWorld(
    'upstreams: { docker.io: { images: { allow: ["library/*"], deny: [redis], message: "ask us" } } }\n' +
      'access: { images: { deny: ["ghcr.io/**"] } }',
  )
  test.each([
    [nginx, 'ok'],
    ['docker.io/library/redis', 'DENIED'],
    ['docker.io/owner/app', 'DENIED'],
    ['quay.io/owner/app', 'ok'],
    ['ghcr.io/owner/app', 'DENIED'],
  ])('%s: %s', async (image, expected) => {
    expect(await verdict(world, image, 'latest')).toBe(expected)
  })

  test('say what the operator says', async () => {
    const check = world.permit.check(caller(), world.route('docker.io/owner/app'), targetOf('1'))
    await expect(check).rejects.toThrow('does not serve docker.io/owner/app:1: ask us')
  })
})

describe('rules', () => {
  const users = 'users: { htpasswd: f, anonymous: true }'
  const world = createWorld(`access:
  ${users}
  rules:
    - { users: [alice], images: ["**"] }
    - { users: [bob, "anonymous"], deny: ["docker.io/library/nginx:1.19"], message: it is old }
    - { users: [bob], images: ["docker.io/**", "ghcr.io/bob/app:v1"] }
    - { users: ["*"], deny: ["docker.io/library/redis"] }
    - { users: ["*"], images: ["docker.io/library/*"] }
    - { users: [carol], images: ["docker.io/**"] }
`)
  test.each<[user: string | undefined, image: string, word: string, expected: string]>([
    ['alice', nginx, '1.19', 'ok'],
    ['alice', 'ghcr.io/any/thing', 'x', 'ok'],
    ['bob', nginx, '1.19', 'DENIED'],
    ['bob', nginx, digest, 'DENIED'],
    ['bob', nginx, '1.20', 'ok'],
    ['bob', 'docker.io/library/redis', 'x', 'ok'],
    ['bob', 'ghcr.io/bob/app', 'v1', 'ok'],
    ['bob', 'ghcr.io/bob/app', 'v2', 'DENIED'],
    ['bob', 'ghcr.io/bob/app', 'blob', 'ok'],
    ['carol', nginx, '1.19', 'ok'],
    ['carol', 'docker.io/library/redis', 'x', 'DENIED'],
    ['carol', 'docker.io/owner/app', 'x', 'ok'],
    ['dave', 'docker.io/owner/app', 'x', 'DENIED'],
    ['dave', nginx, 'tags', 'ok'],
    // A login may help, where some user is let in.
    [undefined, nginx, '1.20', 'ok'],
    [undefined, nginx, '1.19', 'UNAUTHORIZED'],
    [undefined, 'docker.io/owner/app', 'x', 'UNAUTHORIZED'],
  ])('%s %s %s: %s', async (user, image, word, expected) => {
    expect(await verdict(world, image, word, caller(user))).toBe(expected)
  })

  test('that let nobody in help nobody', async () => {
    const closed = createWorld(
      `access: { ${users}, rules: [{ users: [alice], images: ["docker.io/**"] }] }`,
    )
    expect(await verdict(closed, 'ghcr.io/a/b', 'x')).toBe('DENIED')
    expect(await verdict(closed, nginx, 'x')).toBe('UNAUTHORIZED')
  })

  test('without users end in DENIED, as nobody can log in', async () => {
    const open = createWorld('access: { rules: [{ users: ["*"], images: ["library/*"] }] }')
    expect(await verdict(open, 'docker.io/owner/app', 'x')).toBe('DENIED')
    expect(await verdict(open, nginx, 'x')).toBe('ok')
  })

  test('cannot give back what images deny', async () => {
    const strict = createWorld(
      `access: { ${users}, images: { deny: [nginx] }, rules: [{ users: [alice], images: ["**"] }] }`,
    )
    expect(await verdict(strict, nginx, 'x', caller('alice'))).toBe('DENIED')
  })

  test('say their message, and no more of what there is', async () => {
    const check = world.permit.check(caller('bob'), world.route(nginx), targetOf('1.19'))
    await expect(check).rejects.toThrow('does not serve docker.io/library/nginx:1.19: it is old')
  })
})

test("a service token's own images narrow the rules", async () => {
  const world = createWorld(
    'access: { users: { htpasswd: f }, rules: [{ users: ["*"], images: ["docker.io/**"] }] }',
  )
  const bot = caller('bot', ['docker.io/library/*', 'ghcr.io/**'])
  expect(await verdict(world, nginx, 'x', bot)).toBe('ok')
  expect(await verdict(world, 'docker.io/owner/app', 'x', bot)).toBe('DENIED')
  expect(await verdict(world, 'ghcr.io/owner/app', 'x', bot)).toBe('DENIED')
  expect(world.permit.allowsScope(bot, world.route(nginx).upstream, 'library/nginx')).toBe(true)
  expect(world.permit.allowsScope(bot, world.route(nginx).upstream, 'owner/app')).toBe(false)
})

describe('scopes', () => {
  const world = createWorld(`
upstreams: { quay.io: { images: { deny: ["**"] } } }
access:
  images: { deny: ["**/evil", "nginx:1.19"] }
  users: { htpasswd: f, anonymous: true }
  rules:
    - { users: [anonymous], deny: ["ghcr.io/**"] }
    - { users: [bob], images: ["ghcr.io/bob/*:v1"] }
    - { users: ["*"], images: ["docker.io/**"] }
`)
  test.each<[user: string | undefined, image: string, isAllowed: boolean]>([
    [undefined, nginx, true],
    [undefined, 'docker.io/a/evil', false],
    [undefined, 'quay.io/a/b', false],
    [undefined, 'ghcr.io/bob/app', false],
    ['bob', 'ghcr.io/bob/app', true],
    ['bob', 'ghcr.io/alice/app', false],
    ['alice', 'ghcr.io/bob/app', false],
  ])('%s %s: %s', (user, image, isAllowed) => {
    const { upstream, repository } = world.route(image)
    expect(world.permit.allowsScope(caller(user), upstream, repository)).toBe(isAllowed)
  })
})

test.each<[user: string | undefined, image: string, isNamed: boolean]>([
  ['alice', 'docker.io/team/app', true],
  ['alice', 'ghcr.io/team/app', false],
  ['bob', 'docker.io/team/app', false],
  [undefined, 'ghcr.io/open/app', true],
  [undefined, 'docker.io/team/app', false],
])('a rule names %s for %s: %s', (user, image, isNamed) => {
  const world = createWorld(`access:
  users: { htpasswd: f, anonymous: true }
  rules:
    - { users: ["*"], images: ["docker.io/**"] }
    - { users: [bob], deny: ["docker.io/**"] }
    - { users: [alice], images: ["docker.io/team/*:v1"] }
    - { users: [anonymous], images: ["ghcr.io/open/*"] }
`)
  expect(world.permit.names(caller(user), world.route(image))).toBe(isNamed)
})

test('a tag is looked up only where a rule needs it', async () => {
  const world = createWorld('access: { images: { deny: ["nginx:1.19", "nginx:1.1*"] } }')
  await verdict(world, nginx, 'latest')
  await verdict(world, nginx, 'tags')
  await verdict(world, 'docker.io/library/redis', digest)
  expect(world.looked).toEqual([])
  await verdict(world, nginx, other)
  expect(world.looked).toEqual(['docker.io/library/nginx:1.19'])
})
