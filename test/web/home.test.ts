import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { style, styleHash } from '../../core/src/web/style.ts'
import { createTestMirror } from '../fakes/mirror.ts'
import { askHome, copiedFrom } from './page.ts'
import { expectWellFormed } from './well-formed.ts'

const unreachable = (): Promise<Response> => Promise.reject(new Error('the page asks nobody'))

describe('the page over the mirror', () => {
  const mirror = createTestMirror({ fetch: unreachable })

  test('shows the host it was asked on', async () => {
    const { status, text } = await mirror.get('http://pull.example.org:5000/')
    expect(status).toBe(200)
    expect(text).toContain('docker pull pull.example.org:5000/library/alpine')
  })

  test('has the exact length, also for HEAD', async () => {
    const got = await mirror.get('/')
    const head = await mirror.head('/')
    expect(got.headers.get('content-length')).toBe(String(got.bytes.byteLength))
    expect(head.status).toBe(200)
    expect(head.bytes.byteLength).toBe(0)
    expect(head.headers.get('content-length')).toBe(got.headers.get('content-length'))
  })

  test('is Chinese for those who prefer it', async () => {
    const { text } = await mirror.get('/', { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' })
    expect(text).toContain('<html lang="zh-CN">')
  })

  test('is written to the access log as a page of no upstream', async () => {
    const before = mirror.logged.length
    await mirror.get('/')
    expect(mirror.logged.slice(before)).toHaveLength(1)
    expect(mirror.logged[before]).toContain('GET / HTTP/1.1')
  })
})

test.each([
  ['content-type', 'text/html; charset=utf-8'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['vary', 'accept-language'],
  ['cache-control', 'no-store'],
])('%s is %s', (name, value) => {
  expect(askHome().headers.get(name)).toBe(value)
})

describe('the content security policy', () => {
  test('allows this very style and nothing else', async () => {
    const response = askHome()
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(styleHash).toBe(`sha256-${createHash('sha256').update(style).digest('base64')}`)
    expect(policy.split('; ')).toEqual([
      `default-src 'none'`,
      `style-src '${styleHash}'`,
      'img-src data:',
      `base-uri 'none'`,
      `form-action 'none'`,
      `frame-ancestors 'none'`,
    ])
    expect(await response.text()).toContain(`<style>${style}</style>`)
  })

  test.each(['en', 'zh'])('leaves nothing of the page in %s out', async (language) => {
    const page = await askHome({ language }).text()
    const addresses = [...page.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, address]) => address)
    expect(addresses.length).toBeGreaterThan(3)
    for (const address of addresses) expect(address).toMatch(/^(?:data:,|\/[a-z?=]*)$/)
    expect(page).not.toMatch(/<script|<img|<iframe|<object|\sstyle=|\son[a-z]+=|@import|url\(/i)
  })
})

test('the page is well formed: every element that opens also closes', async () => {
  for (const language of ['en', 'zh']) {
    const page = (await askHome({ language }).text()).replace(style, '')
    expectWellFormed(page)
  }
})

describe('hosts that are no hosts', () => {
  test.each([
    ['http://a$(reboot)/', 'a shell would run it'],
    ['http://a`id`/', 'a shell would run it'],
    ["http://a';rm -rf ~/", 'it ends a quoted word'],
    ['http://a&&b/', 'a shell would run it'],
    ['http://<script>alert(1)</script>/', 'it is an element'],
    ['http://a"onload="x/', 'it ends an attribute'],
    ['http://user:secret@mirror.test/', 'it carries credentials'],
    ['javascript:alert(1)', 'it is a program'],
    ['data:text/html,x', 'it is a page'],
    ['', 'it is empty'],
    ['http://', 'it is empty'],
    ['http://../', 'it is a path'],
    ['http://a\nb/', 'it has two lines'],
    ['http://{{host}}/', 'it is a template'],
    ['http://-oProxyCommand=x/', 'it looks like an option'],
  ])('%j: %s', async (origin) => {
    const page = await askHome({ origin }).text()
    const [commands = ''] = await copiedFrom(askHome({ origin }))
    for (const line of commands.split('\n')) expect(line).toMatch(/^docker pull [a-z0-9./:-]+$/)
    expect(page).not.toMatch(/reboot|id`|rm -rf|&&b|alert|onload|secret|\{\{|oProxy|javascript:/)
  })

  test('a hostile Host header that reaches the mirror shows nothing of itself', async () => {
    const mirror = createTestMirror({ fetch: unreachable })
    const { status, text } = await mirror.get("http://a$(reboot)'b/")
    expect(status).toBe(200)
    expect(text).not.toContain('reboot')
    expect(text).toContain('docker pull mirror.example.com/library/alpine')
  })
})
