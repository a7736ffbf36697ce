import { ConfigError, parseConfig } from '@pullway/core/config'
import { afterAll, expect, test } from 'vitest'

const many = (count: number, line: (index: number) => string, between = '\n'): string =>
  Array.from({ length: count }, (_, index) => line(index)).join(between)

/** Nine names, each nine times the one before: 9^9 values when written out. */
const laughs = `a: &a [x, x, x, x, x, x, x, x, x]\n${many(8, (index) => {
  const [from, to] = [String.fromCharCode(97 + index), String.fromCharCode(98 + index)]
  return `${to}: &${to} [${many(9, () => `*${from}`, ', ')}]`
})}`

const oneMiB = 1024 * 1024

test.each<[name: string, text: string]>([
  ['an alias bomb', laughs],
  ['an alias bomb where lists are known', `${laughs}\ntrustedProxies: *i`],
  [
    'an alias bomb of upstreams',
    `x: &e [${many(3000, () => '{}', ',')}]\nupstreams: { ${many(3000, (index) => `h${index}.example: { endpoints: *e }`, ', ')} }`,
  ],
  ['an alias within its own anchor', 'cache: &a { tags: *a }'],
  ['an alias as root', '*a'],
  ['an alias as a key', 'a: &a b\n*a : c'],
  ['an anchor defined twice', 'listen: &a :1\npublicUrl: &a x\nlog: *a'],
  ['a merge key', 'x: &x { driver: none }\ncache: { blobs: { <<: *x } }'],
  ['open brackets', '['.repeat(50_000)],
  ['open braces', '{a: '.repeat(30_000)],
  ['nested lists', `${'['.repeat(400)}${']'.repeat(400)}`],
  ['nested mappings', many(300, (index) => `${' '.repeat(index)}a:`)],
  ['nested dashes', '- '.repeat(50_000)],
  ['nested questions', '? '.repeat(50_000)],
  ['colons', ': '.repeat(50_000)],
  ['commas', `[${','.repeat(30_000)}]`],
  ['quotes', '"'.repeat(30_000)],
  ['anchors', '&a '.repeat(20_000)],
  ['tags', '! '.repeat(20_000)],
  ['too many keys', many(21_000, (index) => `k${index}: 1`)],
  ['too many upstreams', `upstreams:\n${many(21_000, (index) => `  h${index}.example:`)}`],
  ['many wrong upstreams', `upstreams:\n${many(3_000, (index) => `  h${index}: { x: 1 }`)}`],
  ['many aliases', `upstreams: { a.example: { aliases: [${many(9000, () => 'x', ',')}] } }`],
  ['many syntax errors', ' }\n'.repeat(10_000)],
  ['more than 1 MiB', `# ${'x'.repeat(oneMiB)}`],
  ['more than 1 MiB of wide characters', `# ${'字'.repeat(oneMiB / 2)}`],
  ['1 MiB of spaces', ' '.repeat(oneMiB)],
  ['1 MiB of tabs', '\t'.repeat(oneMiB)],
  ['100 000 line breaks', '\r\n'.repeat(100_000)],
  ['a long key', `${'k'.repeat(900)}: 1`],
  ['a very long key', `${'k'.repeat(500_000)}: 1`],
  ['a long value', `listen: ${'9'.repeat(500_000)}`],
  ['a long duration', `timeouts: { idle: ${'9'.repeat(100_000)}s }`],
  ['a long size', `cache: { blobs: { driver: memory, maxSize: ${'9'.repeat(15)}TiB } }`],
  ['a long variable', `listen: \${${'A'.repeat(200_000)}}`],
  ['many variables', `listen: "${'${A}'.repeat(50_000)}"`],
  ['open variables', `listen: "${'${'.repeat(100_000)}"`],
  ['dollars', `listen: "${'$'.repeat(200_000)}"`],
  ['a long host', `upstreams: { a.example: { hosts: [${'a.'.repeat(100_000)}a] } }`],
  ['a host of hyphens', `upstreams: { a.example: { hosts: [${'a-'.repeat(50_000)}] } }`],
  ['a long URL', `publicUrl: https://${'a/'.repeat(100_000)}`],
  ['a long network', `trustedProxies: ["${'1:'.repeat(50_000)}"]`],
  ['__proto__ at the root', '__proto__: { polluted: 1 }'],
  ['__proto__ as an upstream', 'upstreams: { __proto__: { polluted: 1 } }'],
  [
    '__proto__ in JSON',
    '{"upstreams": {"__proto__": {"polluted": 1}}, "constructor": {"prototype": {"polluted": 1}}}',
  ],
  ['keys of every object', 'toString: 1\nvalueOf: 2\nhasOwnProperty: 3\nconstructor: 4'],
  [
    'upstreams named as keys of every object',
    'upstreams: { toString: , constructor: {}, hasOwnProperty: 1 }',
  ],
  ['__proto__ as a word', 'log: { level: __proto__, format: toString }'],
  ['a null character', 'listen: "a\\0:1"\n"b\\0": 1'],
  ['a bare null character', 'listen: \0'],
  ['escape sequences', '"\\e[2J\\a\\r\\n": 1'],
  ['direction marks', '"\\u202Egnol\\u2066": 1'],
  ['lone surrogates', '"\\ud800": 1\nlisten: "\\udfff:1"'],
  ['bytes that were not UTF-8', 'listen: \uFFFD\uFFFD:1\n\uFFFD: 1'],
  ['!!binary', 'listen: !!binary aGk='],
  ['!!js/function', 'listen: !!js/function "function () {}"'],
  [
    '!!set, !!omap, !!timestamp',
    'cache: !!set {a}\nlog: !!omap [a: 1]\nlisten: !!timestamp 2001-01-01',
  ],
  ['a tag on a key', '!!str listen: :1'],
  ['a tag on the root', '!!map {}'],
  ['another tag of this root', '!x {}'],
  ['%YAML 1.1', '%YAML 1.1\n---\nlog: { level: yes }'],
  ['%YAML 9.9', '%YAML 9.9\n---\nlisten: :1'],
  ['many directives', '%FOO\n'.repeat(10_000)],
  ['%TAG', '%TAG ! tag:example.com,2000:\n---\nlisten: !a b'],
  ['many documents', '---\n'.repeat(10_000)],
  ['an end and more', 'listen: :1\n...\nlisten: :2'],
  ['a list as a key', '[a, b]: 1'],
  ['a mapping as a key', '{a: b}: 1'],
  ['a key without a name', ': 1\n? \n"": 2'],
  ['a key that is null', 'null: 1\n~: 2'],
  ['a list as root', '- listen: :1'],
  ['a number as root', '5000'],
  ['a text block as root', '|\n  listen: :1'],
  ['endpoints that are lists', 'upstreams: { a.example: { endpoints: [[[]], {}, [{}]] } }'],
  ['endpoints that are empty', 'upstreams: { a.example: { endpoints: [{}, , ~, ""] } }'],
  [
    'mappings where texts belong',
    'upstreams: { a.example: { hosts: [{}], aliases: [[]], search: {}, enabled: [], trustedHosts: [{ a: b }] } }',
  ],
  [
    'upstreams that are not mappings',
    'upstreams: { a.example: [], b.example: 1, c.example: "", d.example: ~ }',
  ],
  [
    'strange names of upstreams',
    'upstreams: { ".": , "..": , "a..b": , "-a.b": , "a.b-": , "a.b:": , "a.b:0": , "a.b:99999": , "[::1": , "[]": , "[g::]:1": , "a b.c": , "a@b.c": , "a.b/../c": , "%41.b": , "127.1": , "0x7f.1": , "a_b.c": , "*.b": }',
  ],
  [
    'strange URLs',
    `upstreams: { a.example: { endpoints: [${many(1, () => ['https:h', 'https:///h', 'https://', 'https://[', 'https://h:99999', 'https://h\\\\x', '//h', 'javascript:alert(1)', 'file:///etc/passwd', 'https://h/ x', 'https://h\\n.example', 'https://*.h', 'https://@h', 'https://:@h', 'https://h/%00', 'https://h/../../v2', 'data:,'].map((url) => `{ url: "${url}" }`).join(', '))}] } }`,
  ],
  ['strange addresses to listen on', 'listen: "[[::1]]:1"'],
  [
    'a Basic header in a user name',
    'upstreams: { a.example: { endpoints: [{ url: https://h.example, username: "a\\r\\nX: y", password: "\\u0000" }] } }',
  ],
  ['a path with a null character', 'cache: { blobs: { path: "/data\\0/x" } }'],
  [
    'everything disabled',
    `upstreams: { ${'docker.io ghcr.io quay.io gcr.io registry.k8s.io k8s.gcr.io nvcr.io mcr.microsoft.com public.ecr.aws docker.elastic.co registry.gitlab.com lscr.io'
      .split(' ')
      .map((name) => `${name}: { enabled: false }`)
      .join(', ')} }`,
  ],
  ['half a document', 'upstreams:\n  docker.io:\n    endpoints:\n      - url: "https://registry'],
  ['JSON cut off', '{"listen": ":1", "cache": {"blobs": '],
  ['JSON with a comma too many', '{"listen": ":1",,}'],
  ['HTML', '<!doctype html>\n<title>Sign in</title>\n<p class="x">a: b</p>'],
  ['a shell script', '#!/bin/sh\nset -e\nexport A="${B:?}"\n'],
  ['TOML', '[host."https://m.example"]\n  capabilities = ["pull"]\n'],
])('%s', (_, text) => {
  try {
    parseConfig(text, { file: 'pullway.yaml', environment: {} })
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    const { mistakes } = error as ConfigError
    expect(mistakes.length).toBeGreaterThan(0)
    for (const { line, key, message } of mistakes) {
      expect(line).toBeGreaterThan(0)
      expect(isShownAsOneLine(`${key} ${message}`), `a message of ${message.length}`).toBe(true)
    }
  }
})

/** A terminal and a log show it as it is. */
function isShownAsOneLine(text: string): boolean {
  return /^[^\p{Cc}\p{Cf}\p{Cs}]{1,2000}$/u.test(text)
}

afterAll(() => {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})
