import { describe, expect, test } from 'vitest'
import { readAnswer } from '../fakes/mirror.ts'
import {
  basic,
  bearer,
  createLoginWorld,
  hashes,
  image,
  partsOf,
  secret,
  tokenOf,
  usersFile,
} from '../fakes/login-world.ts'

const nginx = '/v2/library/nginx/manifests/latest'
const blob = `/v2/library/nginx/blobs/${image.blobs[0]!.digest}`
const service = 'mirror.test'
const scope = 'repository:library/nginx:pull'
const realm = 'Bearer realm="http://mirror.test/token",service="mirror.test"'

describe('who has not logged in', () => {
  test.each([
    ['/v2/', realm],
    ['/v2', realm],
    ['/ghcr.io/v2/', realm],
    [nginx, `${realm},scope="${scope}"`],
    [blob, `${realm},scope="${scope}"`],
    ['/v2/nginx/tags/list', `${realm},scope="repository:nginx:pull"`],
    ['/hub/v2/nginx/tags/list', `${realm},scope="repository:hub/nginx:pull"`],
    ['/v1/search?q=nginx', realm],
  ])('is told at %s, by one challenge', async (path, challenge) => {
    const world = createLoginWorld()
    for (const answer of [await world.get(path), await world.head(path)]) {
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe(challenge)
    }
    expect((await world.get(path)).code).toBe('UNAUTHORIZED')
    expect(world.registry.calls).toEqual([])
  })

  test.each(['', 'Basic Og==', ' '])('gets no token with "%s"', async (authorization) => {
    const world = createLoginWorld()
    const answer = await world.get('/token', { authorization })
    expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="pullway"')
    expect(answer.message).toContain('log in')
  })

  test('sees health, metrics and the page', async () => {
    const world = createLoginWorld()
    for (const path of ['/', '/healthz', '/readyz', '/metrics'])
      expect((await world.get(path)).status).toBe(200)
  })
})

describe('the dance', () => {
  test.each([
    ['alice', 'alice-password'],
    ['bob', 'bob-password'],
    ['carol', 'carol-password'],
    ['ci-bot', secret],
    ['anything', secret],
  ])('as docker login: %s', async (name, password) => {
    const world = createLoginWorld()
    const query = `?account=${name}&client_id=docker&offline_token=true&service=${service}`
    const answer = await world.token(query, `${name}:${password}`)
    expect(Object.keys(tokenOf(answer)).sort()).toEqual(
      ['access_token', 'expires_in', 'refresh_token', 'scope', 'token'].sort(),
    )
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const ping = await world.get('/v2/', bearer(answer))
    expect([ping.status, ping.text]).toEqual([200, '{}'])
    expect((await world.pull(bearer(answer))).status).toBe(200)
    expect((await world.get(blob, bearer(answer))).status).toBe(200)
  })

  test('as containerd and BuildKit: POST with a form', async () => {
    const world = createLoginWorld()
    const answer = await world.post({
      grant_type: 'password',
      service,
      client_id: 'containerd-client',
      username: 'alice',
      password: 'alice-password',
      scope: `${scope} repository:library/redis:pull`,
    })
    const { token, access_token, expires_in, scope: granted } = tokenOf(answer)
    expect(access_token).toBe(token)
    expect(expires_in).toBe(300)
    expect(granted).toBe(`${scope} repository:library/redis:pull`)
    expect((await world.pull(bearer(answer))).status).toBe(200)
  })

  test('a refresh token gets tokens after a restart, until its user has another password', async () => {
    const world = createLoginWorld()
    const first = tokenOf(
      await world.post({
        grant_type: 'password',
        username: 'bob',
        password: 'bob-password',
        access_type: 'offline',
      }),
    )
    const form = {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token!,
      service,
      scope,
    }
    const second = await world.post(form)
    expect(tokenOf(second).refresh_token).toBe(first.refresh_token)
    expect((await world.pull(bearer(second))).status).toBe(200)

    const changed = usersFile.replace(hashes.bobHash, hashes.aliceHash)
    world.pullway.replaceUsers({ file: 'htpasswd', text: changed })
    expect((await world.post(form)).status).toBe(401)
    expect((await world.pull(bearer(second))).status, 'his token ended, too').toBe(401)
    world.pullway.replaceUsers({ file: 'htpasswd', text: usersFile })
    expect((await world.post(form)).status).toBe(200)
  })

  test.each([
    ['repeated', `scope=${scope}&scope=repository:library/redis:pull`],
    ['in one', `scope=${scope}%20repository:library/redis:pull`],
    [
      'with actions that there are not',
      `scope=repository:library/nginx:pull,push,delete&scope=repository:library/redis:*`,
    ],
    [
      'with what is no scope',
      `scope=${scope}&scope=registry:catalog:*&scope=&scope=a:b&scope=repository:library/redis:pull`,
    ],
    [
      'of registries that are not served',
      `scope=${scope}&scope=repository:evil.test/x:pull&scope=repository:library/redis:pull`,
    ],
  ])('several scopes %s', async (_, query) => {
    const world = createLoginWorld()
    const { token } = tokenOf(
      await world.token(`?service=${service}&${query}`, 'alice:alice-password'),
    )
    const { header, claims } = partsOf(token)
    expect(header).toMatchObject({ alg: 'HS256' })
    expect(claims).toMatchObject({
      sub: 'alice',
      aud: service,
      access: [
        { type: 'repository', name: 'library/nginx', actions: ['pull'] },
        { type: 'repository', name: 'library/redis', actions: ['pull'] },
      ],
    })
  })

  test('a token ends, and the 401 says that it was the token', async () => {
    const world = createLoginWorld()
    const headers = bearer(await world.token('', 'alice:alice-password'))
    await world.clock.advance(299_000)
    expect((await world.pull(headers)).status).toBe(200)
    await world.clock.advance(2_000)
    const answer = await world.pull(headers)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  test('Basic straight at /v2/ is compared once, not once a request', async () => {
    let compared = 0
    const world = createLoginWorld({
      verifyBcrypt: async (password) => {
        compared += 1
        return password === 'alice-password'
      },
    })
    const headers = { authorization: basic('alice:alice-password') }
    const asked = await Promise.all(Array.from({ length: 5 }, () => world.get('/v2/', headers)))
    for (let count = 0; count < 20; count += 1) asked.push(await world.get('/v2/', headers))
    expect(asked.filter(({ status }) => status !== 200)).toEqual([])
    expect(compared).toBe(1)
    await world.clock.advance(5 * 60_000)
    await world.get('/v2/', headers)
    expect(compared).toBe(2)
  })
})

describe('the realm', () => {
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'pull.example.com' }
  test.each([
    [
      'the host as asked',
      '',
      'http://mirror.test:5000/v2/',
      {},
      'http://mirror.test:5000',
      'mirror.test:5000',
    ],
    [
      'behind a trusted proxy',
      'trustedProxies: [192.0.2.0/24]',
      'http://mirror.test/v2/',
      forwarded,
      'https://pull.example.com',
      'pull.example.com',
    ],
    [
      'behind another proxy',
      'trustedProxies: [198.51.100.0/24]',
      'http://mirror.test/v2/',
      forwarded,
      'http://mirror.test',
      'mirror.test',
    ],
    [
      'by publicUrl',
      'publicUrl: https://p.example.com',
      'http://mirror.test/v2/',
      {},
      'https://p.example.com',
      'p.example.com',
    ],
  ])('is %s', async (_, settings, url, headers, origin, host) => {
    const world = createLoginWorld({ settings })
    const answer = await world.get(url, headers)
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer realm="${origin}/token",service="${host}"`,
    )
    const token = await world.get(url.replace('/v2/', '/token'), {
      ...headers,
      authorization: basic('alice:alice-password'),
    })
    expect((await world.get(url, { ...headers, ...bearer(token) })).status).toBe(200)
  })
})

describe('a service token', () => {
  test('in the path is the same registry, and its address stays a secret', async () => {
    const world = createLoginWorld()
    world.registry.push('library/nginx', 'second', image)
    const root = `/t/${secret}`
    for (const path of [
      `${root}/v2/`,
      root + nginx,
      `${root}/docker.io/v2/nginx/manifests/latest`,
      root + blob,
    ])
      expect((await world.get(path)).status, path).toBe(200)
    // dockerd sends what it has for Docker Hub.
    const hub = { authorization: basic('hub-user:hub-password') }
    expect((await world.get(root + nginx, hub)).status).toBe(200)

    const base = `http://mirror.test${root}/v2/library/nginx/tags/list?n=1`
    const list = await world.get(base, { referer: base, 'user-agent': secret })
    const [, link] = /^<([^>]+)>; rel="next"$/.exec(list.headers.get('link') ?? '') ?? []
    const next = await world.get(new URL(link!, base).href)
    expect(JSON.parse(next.text)).toMatchObject({ tags: ['second'] })

    await world.get(`${root}/nothing`)
    await world.get(`${root}/v2/library/nginx/manifests/..`)
    await world.settle()
    const metrics = await world.get('/metrics')
    expect(world.logged.join('\n')).toContain('/t/***/v2/library/nginx/manifests/latest')
    for (const text of [...world.logged, metrics.text, link])
      expect(text).not.toContain(secret.slice(4))
    for (const { url, headers } of world.registry.calls)
      expect(url.href + JSON.stringify([...headers])).not.toContain(secret.slice(4))
  })

  test('ends with its line, and on its day', async () => {
    const world = createLoginWorld()
    const headers = bearer(await world.token('', `ci-bot:${secret}`))
    const root = `/t/${secret}`
    expect((await world.pull({}, root)).status).toBe(200)
    expect((await world.pull(headers)).status).toBe(200)
    const without = usersFile.replace(/^ci-bot.*$/m, '')
    world.pullway.replaceUsers({ file: 'htpasswd', text: without })
    expect((await world.pull({}, root)).status).toBe(401)
    expect((await world.pull(headers)).status).toBe(401)
    expect((await world.token('', `ci-bot:${secret}`)).status).toBe(401)
    world.pullway.replaceUsers({ file: 'htpasswd', text: usersFile })
    expect((await world.pull({}, root)).status).toBe(200)
    await world.clock.advance(Date.UTC(2027, 1, 2) - world.clock.now() - 1)
    expect((await world.pull({}, root)).status).toBe(200)
    await world.clock.advance(1)
    expect((await world.pull({}, root)).status).toBe(401)
  })

  test('is a bearer token as well, for a header in hosts.toml', async () => {
    const world = createLoginWorld()
    expect((await world.pull({ authorization: `Bearer ${secret}` })).status).toBe(200)
  })
})

describe('a wrong password', () => {
  test('is refused in the OCI form, and costs more time each time', async () => {
    const world = createLoginWorld()
    const seconds: number[] = []
    let answer = await world.drive(world.token('', 'alice:wrong'))
    for (; answer.status !== 429 && seconds.length < 20;) {
      expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
      expect(answer.message).toBe('the user name or the password is wrong')
      const begin = world.clock.now()
      answer = await world.drive(world.token('', 'alice:wrong'))
      if (answer.status === 401) seconds.push((world.clock.now() - begin) / 1000)
    }
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b))
    expect(seconds[0]).toBeLessThan(1)
    expect(seconds.length).toBeGreaterThan(8)
    expect(seconds.length).toBeLessThan(13)
    expect(seconds.at(-1)).toBeGreaterThan(4)
    const refused = await world.token('', 'alice:alice-password')
    expect([refused.status, refused.code]).toEqual([429, 'TOOMANYREQUESTS'])
    await world.clock.advance(Number(refused.headers.get('retry-after')) * 1000)
    expect((await world.token('', 'alice:alice-password')).status).toBe(200)
  })

  test('of one address does not slow another, and a known login goes on', async () => {
    const world = createLoginWorld()
    const good = { authorization: basic('alice:alice-password') }
    const ask = async (login: string, clientAddress: string): Promise<number> => {
      const headers = { authorization: basic(login) }
      const asked = world.fetch('/token', { headers }, { clientAddress })
      return (await readAnswer(await world.drive(asked))).status
    }
    expect(await ask('alice:alice-password', '2001:db8::1')).toBe(200)
    for (let count = 0; count < 10; count += 1)
      expect(await ask(`bob:guess-${count}`, `2001:db8::${count}`)).toBe(401)
    while ((await ask('bob:another-guess', '2001:db8::99')) !== 429);
    expect(await ask('bob:bob-password', '2001:db8::abcd')).toBe(429)
    expect(await ask('alice:alice-password', '2001:db8::1'), 'remembered').toBe(200)
    expect(await ask('bob:bob-password', '2001:db8:0:1::1')).toBe(200)
    expect((await world.get('/v2/', good)).status).toBe(200)
  })

  test('guesses at the same time are not all the first', async () => {
    const world = createLoginWorld()
    const guesses = Array.from({ length: 30 }, (_, index) =>
      world.token('', `alice:guess-${index}`),
    )
    const statuses = (await world.drive(Promise.all(guesses))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(20)
  })
})

describe('anonymous: true', () => {
  test('everybody pulls, and who can log in is told so at /v2/', async () => {
    const world = createLoginWorld({ anonymous: true })
    expect((await world.pull()).status).toBe(200)
    expect((await world.get('/v2/')).status).toBe(401)
    const headers = bearer(await world.token(`?service=${service}&scope=${scope}`))
    expect((await world.get('/v2/', headers)).status).toBe(200)
    expect((await world.pull(headers)).status).toBe(200)
    expect((await world.pull({ authorization: 'Basic Og==' })).status).toBe(200)
    expect((await world.drive(world.pull({ authorization: basic('alice:wrong') }))).status).toBe(
      401,
    )
  })

  test("dockerd's login for Docker Hub does not break a pull, however often", async () => {
    const world = createLoginWorld({ anonymous: true })
    const docker = { 'user-agent': 'docker/20.10.24 go/go1.19' }
    const query = `?account=hub&service=${service}&scope=${scope}`
    for (let count = 0; count < 15; count += 1) {
      const answer = await world.token(query, 'hub:hub-password', docker)
      expect((await world.pull(bearer(answer))).status).toBe(200)
      expect(partsOf(tokenOf(answer).token).claims).not.toHaveProperty('sub')
    }
    // Who logs in is told that it did not work; so are other clients.
    const login = `?account=hub&client_id=docker&offline_token=true&service=${service}`
    expect((await world.drive(world.token(login, 'hub:hub-password', docker))).status).toBe(401)
    expect((await world.drive(world.token(query, 'hub:hub-password'))).status).toBe(401)
    expect(world.logged.join('\n')).not.toContain('hub-password')
  })
})

test("the access log has the user's name, and no password", async () => {
  const world = createLoginWorld()
  const token = await world.token('', 'alice:alice-password')
  await world.pull(bearer(token))
  await world.pull({ authorization: basic('bob:bob-password') })
  await world.pull()
  const lines = world.logged.filter((line) => line.includes(' HTTP/1.1'))
  expect(lines.map((line) => /192\.0\.2\.1 - (\S+) \[/.exec(line)?.[1])).toEqual([
    'alice',
    'alice',
    'bob',
    '-',
  ])
  const text = world.logged.join('\n')
  for (const word of ['-password', tokenOf(token).token, basic('bob:bob-password').slice(6)])
    expect(text).not.toContain(word)
})

describe('several instances', () => {
  test('that share what is volatile believe each other; with another key they do not', async () => {
    const { createMemoryKeyValue } = await import('@pullway/memory')
    const clock = createLoginWorld().clock
    const stores = {
      state: createMemoryKeyValue({ clock }),
      volatile: createMemoryKeyValue({ clock }),
    }
    const [one, two, stranger] = [
      createLoginWorld({ clock, stores }),
      createLoginWorld({ clock, stores }),
      createLoginWorld({ clock }),
    ]
    const headers = bearer(await one.token('', 'alice:alice-password'))
    expect((await two.pull(headers)).status).toBe(200)
    expect((await stranger.pull(headers)).status).toBe(401)
  })

  test('with the same key in the configuration share nothing else', async () => {
    const key = 'a-key-of-at-least-thirty-two-characters'
    const config = (text: string): string =>
      `{ access: { users: { htpasswd: x, tokenKey: ${text} } }, upstreams: { docker.io: { endpoints: [{ url: 'https://registry.test' }] } } }`
    const [one, two, stranger] = [key, key, `${key}-2`].map((text) =>
      createLoginWorld({ config: config(text) }),
    )
    const answer = await one!.token('?offline_token=true', 'alice:alice-password')
    expect((await two!.pull(bearer(answer))).status).toBe(200)
    expect((await stranger!.pull(bearer(answer))).status).toBe(401)
    const form = { grant_type: 'refresh_token', refresh_token: tokenOf(answer).refresh_token! }
    expect((await two!.post(form)).status).toBe(200)
    expect((await stranger!.post(form)).status).toBe(401)
  })
})
