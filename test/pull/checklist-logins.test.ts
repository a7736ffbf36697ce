import { describe, expect, test } from 'vitest'
import { readAnswer } from '../fakes/mirror.ts'
import { hubImage, settle } from './checklist.ts'

/** clients.md, section 10, items 5 to 7. */

test('5. what clients send as login is nobody’s business', async () => {
  const { hub, mirror } = settle()
  const secret = Buffer.from('hubuser:hub-password').toString('base64')
  for (const authorization of [
    'Basic Og==',
    `Basic ${secret}`,
    'Bearer hub-token-value',
    'Basic ???',
    'Negotiate x',
  ]) {
    for (const path of [
      '/v2/',
      '/v2/app/manifests/latest',
      '/v2/ghcr.io/owner/app/manifests/latest',
    ]) {
      const answer = await mirror.get(path, { authorization })
      expect(answer.status, `${authorization} ${path}`).toBe(200)
    }
  }
  for (const { headers } of hub.calls) {
    expect(headers.get('authorization') ?? '').not.toContain('hub-token-value')
    expect(headers.get('authorization') ?? '').not.toContain(secret)
  }
  for (const word of [secret, 'hub-password', 'hub-token-value']) {
    expect(mirror.logged.join('\n')).not.toContain(word)
  }
})

describe('6. the token endpoint without users', () => {
  test('GET gives a token that opens what is open anyway', async () => {
    const { mirror } = settle()
    const query = 'service=a&scope=repository:x:pull&scope=repository:y:pull,push&account=z&odd=1'
    for (const headers of [{}, { authorization: 'Basic Og==' }, { authorization: 'Basic dTpw' }]) {
      const answer = await mirror.get(`/token?${query}`, headers)
      expect(answer.status).toBe(200)
      const token = JSON.parse(answer.text) as Record<string, unknown>
      expect(Object.keys(token).sort()).toEqual(['access_token', 'expires_in', 'token'])
      expect(token['access_token']).toBe(token['token'])
      expect(token['expires_in']).toBeGreaterThanOrEqual(300)
      const authorization = `Bearer ${String(token['token'])}`
      expect((await mirror.get('/v2/app/manifests/latest', { authorization })).status).toBe(200)
    }
  })

  test('POST is 405, so that clients try GET', async () => {
    const { mirror } = settle()
    const body = 'grant_type=password&username=a&password=b&service=s&scope=repository:x:pull'
    const answer = await readAnswer(await mirror.fetch('/token', { method: 'POST', body }))
    expect([answer.status, answer.code]).toEqual([405, 'UNSUPPORTED'])
  })
})

describe('7. the address by which we are seen', () => {
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'pull.example.com' }
  const rows = [
    ['as asked', '', 'http://mirror.test/', {}, 'http://mirror.test', 'pull.example.com'],
    ['a port', '', 'http://mirror.test:5000/', {}, 'http://mirror.test:5000', 'pull.example.com'],
    [
      'no proxy is trusted',
      '',
      'http://mirror.test/',
      forwarded,
      'http://mirror.test',
      'pull.example.com',
    ],
    [
      'another proxy is trusted',
      'trustedProxies: [198.51.100.0/24]',
      'http://mirror.test/',
      forwarded,
      'http://mirror.test',
      'pull.example.com',
    ],
    [
      'this proxy is trusted',
      'trustedProxies: [192.0.2.0/24]',
      'http://mirror.test/',
      forwarded,
      'https://pull.example.com',
      'http://mirror.test',
    ],
    [
      'publicUrl',
      'publicUrl: https://p.example.com',
      'http://mirror.test/',
      forwarded,
      'https://p.example.com',
      'pull.example.com',
    ],
  ] as const

  test.each(rows)('home page: %s', async (_, config, url, headers, shown, hidden) => {
    const { mirror } = settle(config)
    const answer = await mirror.get(url, headers)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toContain('text/html')
    const text = answer.text.replaceAll('&#58;', ':')
    expect(text).toContain(shown)
    expect(text).not.toContain(hidden)
  })

  test('Link stays at this mirror, with query and prefix', async () => {
    const { hub, mirror } = settle('trustedProxies: [192.0.2.0/24]')
    hub.push('library/app', 'second', hubImage)
    const answer = await mirror.get('http://mirror.test/docker.io/v2/app/tags/list?n=1', forwarded)
    const target = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
    const url = new URL(target!, 'https://pull.example.com')
    expect(url.href).toBe('https://pull.example.com/docker.io/v2/app/tags/list?last=latest&n=1')
  })
})
