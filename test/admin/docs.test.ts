import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { style } from '../../core/src/web/style.ts'
import { alice, createAdminWorld } from './world.ts'
import { expectWellFormed } from '../web/well-formed.ts'

const { ask, mirror } = createAdminWorld()

describe.each([
  ['en', 'Admin API', '中文'],
  ['zh', '管理 API', 'English'],
])('in %s', (language, title, other) => {
  test('it shows every path, field and status of the description', async () => {
    const { text, headers } = await ask(`/api/docs?lang=${language}`)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    for (const part of [title, `>${other}</a>`]) expect(text).toContain(part)
    const document = JSON.parse((await ask('/api/openapi.json')).text) as {
      readonly paths: Readonly<Record<string, { readonly get: { readonly responses: object } }>>
      readonly components: {
        readonly schemas: Readonly<Record<string, { readonly properties: object }>>
      }
    }
    for (const [path, { get }] of Object.entries(document.paths)) {
      expect(text).toContain(`<code>GET ${path}</code>`)
      for (const status of Object.keys(get.responses)) expect(text).toContain(`<code>${status}<`)
    }
    for (const [name, { properties }] of Object.entries(document.components.schemas)) {
      expect(text).toContain(`<summary>${name}</summary>`)
      for (const field of Object.keys(properties)) expect(text).toContain(`<code>${field}</code>`)
    }
    expect(text).toContain('<code>Rest | null</code>')
    expect(text).not.toMatch(/undefined|\[object|<code><\/code>/)
  })

  test('it loads nothing from anywhere, and runs nothing', async () => {
    const { text, headers } = await ask(`/api/docs?lang=${language}`)
    const addresses = [...text.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, address]) => address)
    for (const address of addresses) expect(address).toMatch(/^(?:data:,|\/api\/[a-z.?=]*)$/)
    expect(addresses.length).toBeGreaterThan(2)
    expect(text).not.toMatch(/<script|<img|<iframe|<form|\sstyle=|\son[a-z]+=|@import|url\(/i)
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; ` +
        `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(text).toContain(`<style>${style}</style>`)
  })

  test('every element that opens also closes', async () => {
    const page = (await ask(`/api/docs?lang=${language}`)).text.replace(style, '')
    expectWellFormed(page)
  })
})

test('without a language in the address, it is the browser’s', async () => {
  const { text } = await mirror.get('/api/docs', { ...alice, 'accept-language': 'zh-TW,en;q=0.5' })
  expect(text).toContain('<html lang="zh-CN">')
})

test.each(['http://a$(reboot)/api/docs', "http://a'b/api/docs", 'http://a`id`/api/docs'])(
  '%s shows no command of its host',
  async (address) => {
    const { status, text } = await mirror.get(address, alice)
    expect(status).toBe(200)
    expect(text).toContain('curl -u NAME &#39;http')
    expect(text).not.toMatch(/reboot|a&#39;b|`id/)
  },
)
