import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig, parseConfig } from '@pullway/core/config'
import type { Config } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { configJsonSchema } from '../../core/src/config/json-schema.ts'
import { keyNotes } from '../../core/src/config/key-notes.ts'
import { mistakesOf } from './mistakes-of.ts'

const deploy = join(import.meta.dirname, '../../deploy')
const schemaFile = join(deploy, 'pullway.schema.json')
const example = readFileSync(join(deploy, 'pullway.yaml'), 'utf8')

/** A setting that is commented out has its "#" directly before it, prose has a space between. */
const complete = example.replaceAll(/^( *)#(?=[^ \n]|  )/gm, '$1')

describe('the JSON Schema', () => {
  test('is the one of this version', () => {
    const schema = formatJson(configJsonSchema())
    if (process.env.UPDATE_SCHEMA === '1') writeFileSync(schemaFile, schema)
    expect(
      readFileSync(schemaFile, 'utf8'),
      'deploy/pullway.schema.json is out of date: run UPDATE_SCHEMA=1 npm test -- test/config/files',
    ).toBe(schema)
  })

  test('has a description for every key, and describes no other', () => {
    expect(describedKeys(configJsonSchema())).toEqual(Object.keys(keyNotes).toSorted())
  })
})

describe('the example', () => {
  test('names its schema', () => {
    expect(example.split('\n')[0]).toBe('# yaml-language-server: $schema=./pullway.schema.json')
  })

  test('sets what is the default already', () => {
    const { upstreams, ...rest } = parse(example)
    const { upstreams: defaultUpstreams, ...defaults } = defaultConfig()
    expect(rest).toEqual(defaults)
    expect(Object.fromEntries(upstreams)).toEqual(Object.fromEntries(defaultUpstreams))
  })

  test('takes credentials from the environment', () => {
    const { upstreams } = parse(example, { HUB_USER: 'alice', HUB_TOKEN: 'secret' })
    expect(upstreams.get('docker.io')?.endpoints[0]?.credentials).toEqual({
      username: 'alice',
      password: 'secret',
    })
  })

  test('has no mistake in what is commented out, but keys of drivers other than files', () => {
    expect(mistakesOf(complete).map(({ key }) => key)).toEqual([
      'cache.blobs.endpoint',
      'cache.blobs.bucket',
      'cache.blobs.region',
      'cache.blobs.prefix',
    ])
  })

  test.each(
    Object.keys(keyNotes)
      .filter((key) => key !== '' && key !== '$schema')
      .map((key) => [key, key.replaceAll('[]', '').split('.').at(-1) ?? '']),
  )('shows %s', (_, word) => {
    const shown = word === '*' ? 'docker.io' : word
    expect(complete).toMatch(new RegExp(`^[ -]*${shown}:`, 'm'))
  })
})

function parse(text: string, environment: Record<string, string> = {}): Config {
  return parseConfig(text, { file: 'pullway.yaml', environment })
}

/** As the formatter of this repository has it: a list of words on one line. */
function formatJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2)
  const words = /\[\n\s+("[^"]*"(?:,\n\s+"[^"]*")*)\n\s+\]/g
  return `${text.replace(words, (_, list: string) => `[${list.replace(/\n\s+/g, ' ')}]`)}\n`
}

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | false
  readonly items?: Schema
}

function describedKeys(schema: unknown, key = ''): string[] {
  const { description, properties = {}, additionalProperties, items } = schema as Schema
  const below: [string, Schema][] = Object.entries(properties).map(([name, inner]) => [
    key === '' ? name : `${key}.${name}`,
    inner,
  ])
  if (additionalProperties) below.push([`${key}.*`, additionalProperties])
  if (items !== undefined) below.push([`${key}[]`, items])
  expect(description, `${key} has no description`).toBeTypeOf('string')
  return [key, ...below.flatMap(([name, inner]) => describedKeys(inner, name))].toSorted()
}
