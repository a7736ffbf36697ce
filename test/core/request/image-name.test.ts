import { parseConfig } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { formatImageName, parseImageName } from '../../../core/src/request/image-name.ts'

const config = parseConfig(
  'upstreams: { docker.io: { aliases: [hub] }, "localhost:5000": {}, "r.example:5000": {} }',
  { file: 'pullway.yaml', environment: {} },
)
const digest = `sha256:${'a'.repeat(64)}`

describe('an image is read as docker reads it', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine:latest'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20'],
    ['team/app', 'docker.io/team/app:latest'],
    ['hub/library/nginx:1', 'docker.io/library/nginx:1'],
    ['hub/nginx', 'docker.io/library/nginx:latest'],
    ['docker.io/alpine', 'docker.io/library/alpine:latest'],
    ['index.docker.io/library/alpine', 'docker.io/library/alpine:latest'],
    ['ghcr.io/owner/image:v1', 'ghcr.io/owner/image:v1'],
    ['ghcr.io/a/b/c', 'ghcr.io/a/b/c:latest'],
    ['r.example:5000/a', 'r.example:5000/a:latest'],
    ['localhost:5000/a:b', 'localhost:5000/a:b'],
    [`alpine@${digest}`, `docker.io/library/alpine@${digest}`],
    [`r.example:5000/a:1@${digest}`, `r.example:5000/a@${digest}`],
  ])('%s', (text, expected) => {
    const { route, reference } = parseImageName(config, text)
    expect(formatImageName(route.upstream.name, route.repository, reference)).toBe(expected)
  })
})

describe('what is none is refused', () => {
  test.each([
    '',
    ':',
    '@',
    ':tag',
    'alpine:',
    'alpine@',
    'alpine@latest',
    'alpine@@',
    `alpine@${digest}@${digest}`,
    'alpine:a:b',
    `alpine:${digest}`,
    'alpine:-x',
    `alpine:${'t'.repeat(129)}`,
    'Alpine',
    '/alpine',
    'alpine/',
    'a//b',
    '../a',
    'a b',
    'a\0b',
    'https://ghcr.io/owner/image',
    'unknown.example/a',
    'localhost/a',
    'x'.repeat(100_000),
  ])('%j', (text) => {
    expect(() => parseImageName(config, text)).toThrow(
      expect.objectContaining({ name: 'RegistryError' }) as Error,
    )
  })
})
