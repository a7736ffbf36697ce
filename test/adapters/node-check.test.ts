import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeFolder, onlyUpstreams, runInside, type CliResult } from './node-process.ts'

const bearer = 'Bearer realm="https://auth.test/token",service="upstream.test"'

const answers: Readonly<Record<string, RequestListener>> = {
  open: (_, response) => response.writeHead(200).end('{}'),
  token: (_, response) => response.writeHead(401, { 'www-authenticate': bearer }).end(),
  basic: (_, response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end(),
  gateway: (_, response) => response.writeHead(307, { location: 'https://other.test/v2/' }).end(),
  bare: (_, response) => response.writeHead(401).end(),
  failing: (_, response) => response.writeHead(500).end(),
  page: (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'),
  silent: () => undefined,
}

let server: Server
let origin: string
const seen: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    const [, name = ''] = /^\/(\w+)\/v2\/$/.exec(request.url ?? '') ?? []
    seen.push(`${request.method} ${request.headers['user-agent']} ${request.headers.authorization}`)
    answers[name]?.(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function check(endpoints: Readonly<Record<string, string>>): Promise<CliResult> {
  await using folder = await makeFolder()
  const upstreams = Object.entries(endpoints).map(([name, url]) => [
    `${name}.test`,
    { endpoints: [{ url, username: 'somebody', password: 'hunter2' }], default: name === 'open' },
  ])
  await folder.write('pullway.yaml', {
    upstreams: onlyUpstreams(Object.fromEntries(upstreams) as Record<string, object>),
    timeouts: { connect: '500ms', firstByte: '500ms' },
  })
  return await runInside(['check'], { cwd: folder.path })
}

function rowsOf({ stdout }: CliResult): string[] {
  return stdout.trimEnd().split('\n').slice(2)
}

describe('pullway check', () => {
  test('shows the way to each upstream, and exits with 0 when all are there', async () => {
    const names = ['open', 'token', 'basic', 'gateway']
    const result = await check(
      Object.fromEntries(names.map((name) => [name, `${origin}/${name}/v2`])),
    )
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(/^pullway\.yaml: no mistakes\n\n/)
    const [head = '', ...rows] = rowsOf(result)
    expect(head.trim().split(/ +/)).toEqual(['UPSTREAM', 'ENDPOINT', 'ADDRESS', 'TIME', 'RESULT'])
    const results = [
      'ok: needs no token',
      'ok: login at https://auth.test/token',
      'ok: asks for a login',
      'ok: redirects to https://other.test/v2/',
    ]
    expect(rows).toHaveLength(names.length)
    names.forEach((name, index) => {
      const cells = [`${name}.test`, `${origin}/${name}/v2`, '127.0.0.1', String.raw`\d+ ms`]
      expect(rows[index]).toMatch(new RegExp(`^${cells.join(' +')} +${results[index]}$`))
    })
    expect(result.stdout).not.toMatch(/hunter2|somebody/)
    expect(new Set(seen)).toEqual(new Set([expect.stringMatching(/^GET pullway\/\S+ undefined$/)]))
  })

  test.each([
    ['bare', /answers 401 without a challenge$/],
    ['failing', /answers 500: is this a registry\?$/],
    ['page', /answers 404: is this a registry\?$/],
    ['silent', /no answer within 1 s$/],
    ['refused', /.*refuse.*/i],
  ])('exits with 1 when one is %s', async (name, expected) => {
    const url = name === 'refused' ? 'http://127.0.0.1:1/v2' : `${origin}/${name}/v2`
    const result = await check({ open: `${origin}/open/v2`, [name]: url })
    expect(result.code).toBe(1)
    expect(rowsOf(result).find((row) => row.startsWith(`${name}.test`))).toMatch(expected)
    expect(result.stderr).toBe(`pullway: 1 of 2 endpoints cannot be used: ${name}.test\n`)
    expect(result.stdout + result.stderr).not.toMatch(/hunter2|somebody/)
  })
})
