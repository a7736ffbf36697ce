import { describe, expect, test } from 'vitest'
import { type AccessEntry, createFormatAccess } from '../../../core/src/observe/access-log.ts'

const plain: AccessEntry = {
  user: undefined,
  clientAddress: '192.0.2.1',
  finishedAt: Date.UTC(2026, 10, 21, 9, 5, 3, 250),
  seconds: 0.0125,
  method: 'GET',
  target: '/v2/library/app/manifests/latest?ns=docker.io',
  status: 200,
  bodyBytes: 1234,
  referer: null,
  userAgent: 'docker/29.1.0 go/go1.25',
  host: 'mirror.example.com:5000',
  upstream: 'docker.io',
  cacheStatus: 'hit',
}

describe('main', () => {
  test('is the line of contract.md', () => {
    expect(createFormatAccess('main')(plain)).toBe(
      '192.0.2.1 - - [21/Nov/2026:09:05:03 +0000] ' +
        '"GET /v2/library/app/manifests/latest?ns=docker.io HTTP/1.1" 200 1234 "-" ' +
        '"docker/29.1.0 go/go1.25" "mirror.example.com:5000" docker.io hit 0.013',
    )
  })

  test('what is not known is a dash', () => {
    const line = createFormatAccess('main')({
      ...plain,
      clientAddress: '-',
      userAgent: '',
      host: null,
      upstream: '-',
      cacheStatus: '-',
    })
    expect(line).toMatch(/^- - - \[.*"-" "-" "-" - - 0\.013$/)
  })

  test('the time moves on', () => {
    const format = createFormatAccess('main')
    const times = [0, 400, 999, 1_000, -1_000].map(
      (offset) =>
        /\[(.*?)\]/.exec(
          format({ ...plain, finishedAt: Date.UTC(2026, 11, 31, 23, 59, 59) + offset }),
        )?.[1],
    )
    expect(times).toEqual([
      '31/Dec/2026:23:59:59 +0000',
      '31/Dec/2026:23:59:59 +0000',
      '31/Dec/2026:23:59:59 +0000',
      '01/Jan/2027:00:00:00 +0000',
      '31/Dec/2026:23:59:58 +0000',
    ])
  })

  test.each([
    ['a" 200 0 "-"', String.raw`a\x22 200 0 \x22-\x22`],
    ['back\\slash', String.raw`back\x5Cslash`],
    ['a\r\nb', String.raw`a\x0D\x0Ab`],
    ['\u001b[2J\u0007', String.raw`\x1B[2J\x07`],
    ['\u007f\u0085\u009f', String.raw`\x7F\x85\x9F`],
    ['\u2028\u2029', String.raw`\u2028\u2029`],
    ['größe 大', 'größe 大'],
  ])('%j cannot leave its field', (text, escaped) => {
    const format = createFormatAccess('main')
    const line = format({ ...plain, userAgent: text, referer: text, host: text, target: text })
    expect(line).toContain(`"GET ${escaped} HTTP/1.1"`)
    expect(line).toContain(` "${escaped}" "${escaped}" "${escaped}" docker.io hit`)
    expect(line.match(/"/g)).toHaveLength(8)
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  })
})

describe('json', () => {
  test('is one object on one line', () => {
    const line = createFormatAccess('json')({ ...plain, userAgent: 'a"\n\u2028b\\' })
    expect(line).not.toMatch(/[\n\r]/)
    expect(JSON.parse(line)).toEqual({
      time: '2026-11-21T09:05:03.250Z',
      remote_addr: '192.0.2.1',
      method: 'GET',
      uri: '/v2/library/app/manifests/latest?ns=docker.io',
      status: 200,
      body_bytes_sent: 1234,
      user_agent: 'a"\n\u2028b\\',
      host: 'mirror.example.com:5000',
      upstream: 'docker.io',
      cache_status: 'hit',
      request_time: 0.013,
    })
  })
})
