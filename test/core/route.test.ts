import { describe, expect, test } from 'vitest'
import { parseRegistryRequest } from '../../core/src/request/parse.ts'
import { createRouter, type Route } from '../../core/src/route.ts'
import { caught } from './support/caught.ts'
import { configOf } from './support/config.ts'

const yaml = `
upstreams:
  docker.io: { aliases: [hub], hosts: [docker.mirror.example.com] }
  ghcr.io: { aliases: [gh] }
  registry.example.com:5000: { aliases: [own] }
  quay.io: { enabled: false }
`

function route(path: string, config: string = yaml): Route {
  const url = path.startsWith('http') ? path : `http://mirror.example.com:5000${path}`
  const asked = parseRegistryRequest(new Request(url))
  if (asked?.kind !== 'pull') throw new Error(`${path} is no pull`)
  return createRouter(configOf(config)).route(asked.pull)
}

function summary({ upstream, repository, via }: Route): string {
  return `${upstream.name} ${repository} ${via}`
}

const rows = [
  ['/v2/app/tags/list', 'docker.io library/app default'],
  ['/v2/library/app/tags/list', 'docker.io library/app default'],
  ['/v2/owner/app/tags/list', 'docker.io owner/app default'],
  // The prefix: the name, an alias, or a host of the registry; after /v2/ or before it.
  ['/v2/docker.io/app/tags/list', 'docker.io library/app prefix'],
  ['/v2/index.docker.io/app/tags/list', 'docker.io library/app prefix'],
  ['/v2/registry-1.docker.io/owner/app/tags/list', 'docker.io owner/app prefix'],
  ['/v2/hub/app/tags/list', 'docker.io library/app prefix'],
  ['/hub/v2/app/tags/list', 'docker.io library/app prefix'],
  ['/docker.io/v2/library/app/tags/list', 'docker.io library/app prefix'],
  ['/v2/ghcr.io/owner/app/tags/list', 'ghcr.io owner/app prefix'],
  ['/v2/gh/owner/app/tags/list', 'ghcr.io owner/app prefix'],
  ['/GHCR.IO/v2/owner/app/tags/list', 'ghcr.io owner/app prefix'],
  ['/v2/own/app/tags/list', 'registry.example.com:5000 app prefix'],
  ['/own/v2/app/tags/list', 'registry.example.com:5000 app prefix'],
  ['/registry.example.com:5000/v2/app/tags/list', 'registry.example.com:5000 app prefix'],
  ['/v2/registry.example.com:5000/app/tags/list', 'registry.example.com:5000 app prefix'],
  ['/ghcr.io:443/v2/owner/app/tags/list', 'ghcr.io owner/app prefix'],
  // One prefix only: what follows it is the repository's name.
  ['/v2/ghcr.io/hub/app/tags/list', 'ghcr.io hub/app prefix'],
  ['/gh/v2/hub/app/tags/list', 'ghcr.io hub/app prefix'],
  // Official images have one component, whatever it is called.
  ['/v2/hub/tags/list', 'docker.io library/hub default'],
  ['/v2/docker.io/hub/tags/list', 'docker.io library/hub prefix'],
  // The namespace.
  ['/v2/app/tags/list?ns=docker.io', 'docker.io library/app namespace'],
  ['/v2/app/tags/list?ns=registry-1.docker.io', 'docker.io library/app namespace'],
  ['/v2/owner/app/tags/list?ns=ghcr.io', 'ghcr.io owner/app namespace'],
  ['/v2/owner/app/tags/list?ns=GHCR.io:443', 'ghcr.io owner/app namespace'],
  ['/v2/app/tags/list?ns=registry.example.com:5000', 'registry.example.com:5000 app namespace'],
  ['/v2/app/tags/list?ns=registry.example.com%3A5000', 'registry.example.com:5000 app namespace'],
  // The Host.
  ['http://ghcr.io/v2/owner/app/tags/list', 'ghcr.io owner/app host'],
  ['http://index.docker.io/v2/app/tags/list', 'docker.io library/app host'],
  ['http://docker.mirror.example.com:8080/v2/app/tags/list', 'docker.io library/app host'],
  // Registries that only a port tells apart are not known by their host.
  ['http://registry.example.com:5000/v2/app/tags/list', 'docker.io library/app default'],
  ['http://gh.mirror.example.com/v2/owner/app/tags/list', 'ghcr.io owner/app host'],
  ['http://ghcr.io.mirror.example.com/v2/owner/app/tags/list', 'ghcr.io owner/app host'],
  ['http://hub.localhost:5000/v2/app/tags/list', 'docker.io library/app host'],
  // The order: prefix, namespace, Host, default.
  ['/v2/ghcr.io/owner/app/tags/list?ns=docker.io', 'ghcr.io owner/app prefix'],
  ['/gh/v2/owner/app/tags/list?ns=docker.io', 'ghcr.io owner/app prefix'],
  ['http://ghcr.io/v2/hub/app/tags/list', 'docker.io library/app prefix'],
  ['http://ghcr.io/v2/app/tags/list?ns=docker.io', 'docker.io library/app namespace'],
] as const

test.each(rows)('%s is %s', (path, expected) => {
  expect(summary(route(path))).toBe(expected)
})

describe('a closed world', () => {
  test.each([
    ['/v2/evil.example.net/app/tags/list', 'NAME_UNKNOWN', '"evil.example.net"'],
    ['/v2/quay.io/owner/app/tags/list', 'NAME_UNKNOWN', '"quay.io"'],
    ['/v2/localhost/app/tags/list', 'NAME_UNKNOWN', '"localhost"'],
    ['/v2/10.0.0.5:5000/app/tags/list', 'NAME_UNKNOWN', '"10.0.0.5:5000"'],
    ['/v2/registry.example.com:5001/app/tags/list', 'NAME_UNKNOWN', '"registry.example.com:5001"'],
    ['/quay/v2/owner/app/tags/list', 'NAME_UNKNOWN', '"quay"'],
    ['/evil.example.net/v2/app/tags/list', 'NAME_UNKNOWN', '"evil.example.net"'],
    ['/v2/app/tags/list?ns=quay.io', 'NAME_UNKNOWN', '"quay.io"'],
    ['/v2/app/tags/list?ns=', 'NAME_UNKNOWN', '""'],
    ['/v2/app/tags/list?ns=localhost:5000', 'NAME_UNKNOWN', '"localhost:5000"'],
    ['/v2/app/tags/list?ns=ghcr.io:8443', 'NAME_UNKNOWN', '"ghcr.io:8443"'],
    ['/v2/App/tags/list', 'NAME_INVALID', '"App"'],
    ['/v2/gh/Owner/tags/list', 'NAME_INVALID', '"Owner"'],
    ['/v2/gh/../x/tags/list?ns=docker.io', 'NAME_UNKNOWN', undefined],
  ])('%s: %s', (path, code, named) => {
    if (named === undefined) {
      // The URL itself resolves the dots: nothing is left of the prefix.
      expect(summary(route(path))).toBe('docker.io library/x namespace')
      return
    }
    const error = caught(() => route(path)) as Error
    expect(error).toMatchObject({ code })
    expect(error.message).toContain(named)
  })

  test('an error tells what is served', () => {
    const error = caught(() => route('/v2/evil.example.net/app/tags/list')) as Error
    for (const name of ['docker.io', 'ghcr.io', 'registry.example.com:5000'])
      expect(error.message).toContain(name)
    expect(error.message).not.toContain('quay.io')
  })

  test('without a default, a name without a registry is unknown', () => {
    const config = 'upstreams: { docker.io: { default: false } }'
    expect(caught(() => route('/v2/owner/app/tags/list', config))).toMatchObject({
      code: 'NAME_UNKNOWN',
    })
    expect(summary(route('/v2/docker.io/app/tags/list', config))).toBe(
      'docker.io library/app prefix',
    )
  })

  test('another default takes what has no registry, and completes no library/', () => {
    const config = 'upstreams: { ghcr.io: { default: true } }'
    expect(summary(route('/v2/app/tags/list', config))).toBe('ghcr.io app default')
  })

  test('with a public URL only its own sub-domains count', () => {
    const config = 'publicUrl: https://mirror.example.com'
    expect(summary(route('http://ghcr.io.mirror.example.com/v2/o/app/tags/list', config))).toBe(
      'ghcr.io o/app host',
    )
    expect(summary(route('http://ghcr.io.evil.example.net/v2/o/app/tags/list', config))).toBe(
      'docker.io o/app default',
    )
  })
})

test.each([
  ['mirror.example.com', 'docker.io'],
  ['ghcr.io', 'docker.io'],
  ['own.mirror.example.com', 'registry.example.com:5000'],
])('a search on %s asks %s', (host, name) => {
  const config = configOf(
    'upstreams: { registry.example.com:5000: { aliases: [own], search: "https://s.example.com" } }',
  )
  expect(createRouter(config).searched(host)?.name).toBe(name)
})

test('a search that nobody has', () => {
  const config = configOf('upstreams: { docker.io: { enabled: false } }')
  expect(createRouter(config).searched('mirror.example.com')).toBeUndefined()
})

test('a prefix by its name', () => {
  const router = createRouter(configOf(yaml))
  expect(router.named('gh').name).toBe('ghcr.io')
  expect(caught(() => router.named('quay.io'))).toMatchObject({ code: 'NAME_UNKNOWN' })
})
