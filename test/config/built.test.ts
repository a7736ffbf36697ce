import { expect, test } from 'vitest'
import * as built from '../../core/dist/config/index.js'
import { ConfigError, parseConfig } from '../../core/src/config/index.ts'
import { readText } from '../repository/sources.ts'

/** The package holds a reader of YAML from which something was left out (core/tsup.config.ts). */
const documents = {
  nothing: '',
  'the example': readText('deploy/pullway.yaml'),
  JSON: '{"listen": "127.0.0.1:5000", "upstreams": {"quay.io": {}}}',
  'every kind of scalar':
    'log:\n  level: "in\\x66o"\nlisten: >-\n  127.0.0.1:5000\npublicUrl: |\n  https://a.example\n',
  'texts that look like something else':
    'upstreams:\n  a.example: {username: 0x1F, password: 2001-12-14}\n',
  'anchors and aliases':
    'upstreams:\n  a.example: &a\n    insecure: on\n  b.example: *a\n  c.example: *d\n',
  'a merge key': 'upstreams:\n  a.example: &a {}\n  b.example:\n    <<: *a\n',
  tags: 'listen: !!binary aGVsbG8=\nlog: !!omap [a: b]\nupstreams: !!set {a}\n!!int "1": !!timestamp 2001-12-14\n',
  'an old version': '%YAML 1.1\n---\nlisten: 0o17\nlog: {level: yes}\n',
  'a new version': '%YAML 1.3\n%TAG ! tag:example.com,2000:\n---\nlisten: !x 1\n',
  'two documents': 'listen: a\n---\nlisten: b\n',
  'complex keys': '? [a, b]\n: c\n? {d: e}\n: f\n',
  'wrong indentation': 'upstreams:\n  a:\n    insecure: true\n   b: c\n\tlog: x\n',
  'wrong brackets': 'upstreams: {a: [b, c}\nlog: }\n',
  'wrong quotes': 'listen: "a\nlog: \'b\n',
  'wrong escapes': 'listen: "\\q\\u12"\n',
  'wrong block scalars': 'listen: |x\n  a\nlog: >9\n b\n',
  comments: '# a\nlisten: 127.0.0.1:5000 # b\n# c\nlog: # d\n  level: info\n',
  'one line after the other': Array.from({ length: 50 }, (_, line) => `a${line}: }`).join('\n'),
  'much nesting': '['.repeat(500),
  'nothing but a text': 'hello',
  'a byte order mark': '\ufefflisten: 127.0.0.1:5000\r\nlog: {}\r\n',
}

test.each(Object.entries(documents))('as built, it reads alike: %s', (_, document) => {
  const options = { file: 'pullway.yaml', environment: { HOME: '/' } }
  const read = (parse: () => unknown, Refusal: typeof ConfigError): unknown => {
    try {
      return parse()
    } catch (error) {
      if (error instanceof Refusal) return error.mistakes
      throw error
    }
  }
  const wanted = read(() => parseConfig(document, options), ConfigError)
  expect(read(() => built.parseConfig(document, options), built.ConfigError)).toEqual(wanted)
})

test('what writes YAML is not in it', () => {
  const code = readText('core/dist/config/index.js')
  expect(code).toContain('BLOCK_AS_IMPLICIT_KEY')
  expect(code).not.toContain('foldFlowLines(')
})
