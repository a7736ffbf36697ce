import { ConfigError, defaultConfig, parseConfig } from '@pullway/core/config'
import type { Environment } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { interpolate } from '../../core/src/config/interpolate.ts'
import { mistakesOf } from './mistakes-of.ts'

const environment: Environment = {
  HOST: 'r.example',
  EMPTY: '',
  MULTI: 'a\nlisten: 0.0.0.0:1',
  TRICK: '{ enabled: false }',
  NESTED: '${HOST}',
  lower_1: 'x',
}

describe('interpolation', () => {
  test.each([
    ['plain', 'plain'],
    ['${HOST}', 'r.example'],
    ['https://${HOST}:5000/${lower_1}', 'https://r.example:5000/x'],
    ['${UNSET:-}', ''],
    ['${UNSET:-a b}', 'a b'],
    ['${UNSET:-a:-b}', 'a:-b'],
    ['${EMPTY:-fallback}', 'fallback'],
    ['${HOST:-fallback}', 'r.example'],
    ['${NESTED}', '${HOST}'],
    ['$${HOST}', '${HOST}'],
    ['$$${HOST}', '$${HOST}'],
    ['$oauthtoken', '$oauthtoken'],
    ['robot$name', 'robot$name'],
    ['$$', '$$'],
    ['100$', '100$'],
    ['$HOST', '$HOST'],
    ['{HOST}', '{HOST}'],
    ['$ {HOST}', '$ {HOST}'],
  ])('%s', (text, expected) => {
    expect(interpolate(text, environment)).toEqual({ text: expected, problems: [] })
  })

  test.each([
    ['${UNSET}', [/^\$\{UNSET\} is not set or empty: set/]],
    ['${EMPTY}', [/^\$\{EMPTY\} is not set or empty/]],
    ['${A}${B}', [/\$\{A\}/, /\$\{B\}/]],
    ['${constructor}', [/is not set/]],
    ['${__proto__}', [/is not set/]],
    ['${HOST', [/neither/]],
    ['${}', [/neither/]],
    ['${1X}', [/neither/]],
    ['${HOST-x}', [/neither/]],
    ['${HOST:?x}', [/neither/]],
    ['${ HOST }', [/neither/]],
    ['${HOST:-${OTHER}}', [/neither/]],
  ])('%s is a mistake', (text, expected) => {
    const { problems } = interpolate(text, environment)
    expect(problems).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(problems[index]).toMatch(pattern)
  })

  test('a variable is data, never structure', () => {
    const text = 'upstreams:\n  quay.io: ${TRICK}\nlog: { level: "${MULTI}" }'
    const mistakes = mistakesOf(text, environment)
    expect(mistakes.map(({ key }) => key)).toEqual(['upstreams.quay.io', 'log.level'])
  })

  test('variables reach every kind of value', () => {
    const text = [
      'upstreams:',
      '  ghcr.io: { enabled: "${IS_GHCR:-false}" }',
      '  docker.io:',
      '    default: ${IS_DEFAULT:-false}',
      '    hosts: ["${HOST}"]',
      '    endpoints: [{ url: "https://${HOST}", username: "${U}", password: "${P}" }]',
      'cache: { tags: { freshFor: "${FRESH:-5m}" } }',
    ].join('\n')
    const config = parseConfig(text, {
      file: 'x.yaml',
      environment: { ...environment, U: '$oauthtoken', P: 'a${b}c' },
    })
    expect(config.cache.tags.freshForSeconds).toBe(300)
    expect(config.upstreams.has('ghcr.io')).toBe(false)
    expect(config.upstreams.get('docker.io')).toMatchObject({
      isDefault: false,
      hosts: ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'r.example'],
      endpoints: [
        {
          url: 'https://r.example/v2',
          credentials: { username: '$oauthtoken', password: 'a${b}c' },
        },
      ],
    })
  })

  test('empty credentials are none', () => {
    const text =
      'upstreams: { docker.io: { endpoints: [{ url: https://h.example, username: "${U:-}", password: "${P:-}" }] } }'
    const { upstreams } = parseConfig(text, { file: 'x.yaml', environment: { U: '', P: '' } })
    expect(upstreams.get('docker.io')?.endpoints[0]?.credentials).toBeUndefined()
  })

  test('no value of the environment is in a message', () => {
    const text = [
      'listen: ${SECRET}',
      'publicUrl: https://user:${SECRET}@h.example',
      'trustedProxies: ["${SECRET}"]',
      'upstreams:',
      '  docker.io:',
      '    aliases: ["${SECRET}"]',
      '    hosts: ["${SECRET}"]',
      '    trustedHosts: ["${SECRET}"]',
      '    endpoints: [{ url: "https://x:${SECRET}@h.example", username: "${SECRET}", password: "a\\n${SECRET}", accounts: [{ username: "${SECRET}", password: "a\\n${SECRET}" }] }]',
      '    failoverOn: ["${SECRET}"]',
      '    quotaFloor: "${SECRET}"',
      'cache: { blobs: { driver: "${SECRET}", maxSize: "${SECRET}" }, serveStaleOn: ["${SECRET}"] }',
      'timeouts: { idle: "${SECRET}" }',
    ].join('\n')
    const mistakes = mistakesOf(text, { SECRET: 'hunter:2/ #' })
    expect(mistakes.length).toBeGreaterThan(9)
    expect(new ConfigError(mistakes).message).not.toContain('hunter')
  })
})

describe('listen', () => {
  test.each<[Environment, string, string, number]>([
    [{ PULLWAY_LISTEN: '0.0.0.0:80' }, '', '0.0.0.0', 80],
    [{ PULLWAY_LISTEN: '[::1]:5000' }, 'listen: 10.0.0.1:1', '::1', 5000],
    [{ PULLWAY_LISTEN: ':8080' }, '', '::', 8080],
    [{ PULLWAY_LISTEN: '127.0.0.1:81', PORT: '9' }, '', '127.0.0.1', 81],
    [{ PULLWAY_LISTEN: '' }, '', '127.0.0.1', 5000],
    [{ PORT: '8080' }, '', '::', 8080],
    [{ PORT: '8080' }, 'listen: 10.0.0.1:1', '10.0.0.1', 8080],
    [{ PORT: '' }, '', '127.0.0.1', 5000],
  ])('%j over "%s"', (variables, text, host, port) => {
    const { listen } = parseConfig(text, { file: 'x.yaml', environment: variables })
    expect(listen).toEqual({ host, port })
  })

  test.each([
    ['PULLWAY_LISTEN', '5000'],
    ['PULLWAY_LISTEN', 'localhost'],
    ['PULLWAY_LISTEN', 'host:99999'],
    ['PULLWAY_LISTEN', '::1:5000'],
    ['PULLWAY_LISTEN', 'http://h:1'],
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80 '],
  ])('%s=%s is a mistake', (name, value) => {
    expect(mistakesOf('', { [name]: value })).toEqual([
      {
        file: 'environment',
        line: 0,
        key: name,
        message: expect.stringMatching(/^must be /) as string,
      },
    ])
    expect(() => defaultConfig({ [name]: value })).toThrow(`environment: ${name}: must be`)
  })
})
