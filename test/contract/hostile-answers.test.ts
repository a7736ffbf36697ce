import { expect, onTestFinished, test } from 'vitest'
import { createNodeFetch } from '../../adapters/node/src/fetch.ts'
import { startRawPeer } from './peer.ts'

const any = { network: 'any' } as const

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'

type Outcome = 'refused' | 'broken body' | { readonly status: number; readonly body: string }

interface HostileAnswer {
  readonly what: string
  readonly answer: string
  readonly outcome: Outcome
  readonly method?: string
  /** Whether the server ends the connection after it. */
  readonly ends?: boolean
}

const answers: readonly HostileAnswer[] = [
  { what: 'nothing', answer: '', ends: true, outcome: 'refused' },
  { what: 'no HTTP', answer: 'SSH-2.0-OpenSSH_9.2\r\n', outcome: 'refused' },
  { what: 'a TLS alert', answer: '\x15\x03\x01\x00\x02\x02\x46', outcome: 'refused' },
  { what: 'HTTP/0.9', answer: '<html>hello</html>', ends: true, outcome: 'refused' },
  { what: 'HTTP/2', answer: 'HTTP/2 200\r\n\r\n', outcome: 'refused' },
  { what: 'HTTP/3.7', answer: 'HTTP/3.7 200 OK\r\n\r\n', outcome: 'refused' },
  { what: 'half a status line', answer: 'HTTP/1.1 2', ends: true, outcome: 'refused' },
  { what: 'half the headers', answer: 'HTTP/1.1 200 OK\r\nA: b', ends: true, outcome: 'refused' },
  { what: 'status 0', answer: 'HTTP/1.1 000 No\r\n\r\n', ends: true, outcome: 'refused' },
  { what: 'status 99', answer: 'HTTP/1.1 99 No\r\n\r\n', outcome: 'refused' },
  {
    what: 'status 600',
    answer: 'HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n',
    outcome: 'refused',
  },
  {
    what: 'status 999',
    answer: 'HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n',
    outcome: 'refused',
  },
  { what: 'status 1000', answer: 'HTTP/1.1 1000 No\r\n\r\n', outcome: 'refused' },
  { what: 'status -200', answer: 'HTTP/1.1 -200 No\r\n\r\n', outcome: 'refused' },
  {
    what: 'an upgrade',
    answer: 'HTTP/1.1 101 Go\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n',
    outcome: 'refused',
  },
  { what: 'unasked continue', answer: 'HTTP/1.1 100 Continue\r\n\r\n', outcome: 'refused' },
  {
    what: 'early hints, then the answer',
    answer: `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${good}`,
    outcome: { status: 200, body: 'good' },
  },
  {
    what: 'a header without colon',
    answer: 'HTTP/1.1 200 OK\r\nbroken\r\n\r\n',
    outcome: 'refused',
  },
  { what: 'a header without name', answer: 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', outcome: 'refused' },
  { what: 'a space in a name', answer: 'HTTP/1.1 200 OK\r\na b: x\r\n\r\n', outcome: 'refused' },
  { what: 'NUL in a name', answer: 'HTTP/1.1 200 OK\r\na\0: x\r\n\r\n', outcome: 'refused' },
  { what: 'NUL in a value', answer: 'HTTP/1.1 200 OK\r\na: x\0y\r\n\r\n', outcome: 'refused' },
  {
    what: 'a bare CR in a value',
    answer: 'HTTP/1.1 200 OK\r\na: x\ry\r\n\r\n',
    outcome: 'refused',
  },
  {
    what: 'headers of 200 kB',
    answer: `HTTP/1.1 200 OK\r\na: ${'x'.repeat(200_000)}\r\n\r\n`,
    outcome: 'refused',
  },
  {
    what: 'ten thousand headers',
    answer: `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(10_000)}\r\n`,
    outcome: 'refused',
  },
  {
    what: 'names of the language itself as headers',
    answer: 'HTTP/1.1 200 OK\r\n__proto__: x\r\nconstructor: y\r\nContent-Length: 0\r\n\r\n',
    outcome: { status: 200, body: '' },
  },
  {
    what: 'a negative length',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    outcome: 'refused',
  },
  {
    what: 'a length that is none',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 4x\r\n\r\ngood',
    outcome: 'refused',
  },
  {
    what: 'a length beyond all numbers',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n',
    outcome: 'refused',
  },
  {
    what: 'two lengths',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 8\r\n\r\ngoodgood',
    outcome: 'refused',
  },
  {
    what: 'a length and chunks',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    outcome: 'refused',
  },
  {
    what: 'less than the length',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\ngood',
    ends: true,
    outcome: 'broken body',
  },
  {
    what: 'less than the length, on a connection to be closed',
    answer: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 40\r\n\r\ngood',
    ends: true,
    outcome: 'broken body',
  },
  {
    what: 'chunks without end',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n',
    ends: true,
    outcome: 'broken body',
  },
  {
    what: 'a chunk cut short',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\ngood',
    ends: true,
    outcome: 'broken body',
  },
  {
    what: 'a chunk without size',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\ngood\r\n',
    outcome: 'broken body',
  },
  {
    what: 'a chunk longer than its size',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngood\r\n0\r\n\r\n',
    outcome: 'broken body',
  },
  {
    what: 'a chunk beyond all numbers',
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\ngood',
    outcome: 'broken body',
  },
  {
    what: 'a body without length',
    answer: 'HTTP/1.1 200 OK\r\n\r\ngood',
    ends: true,
    outcome: { status: 200, body: 'good' },
  },
  {
    what: 'a second answer behind the first',
    answer: `${good}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
    outcome: { status: 200, body: 'good' },
  },
  {
    what: 'bytes behind the answer',
    answer: `${good}evil`,
    outcome: { status: 200, body: 'good' },
  },
  {
    what: 'a body to a HEAD',
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    outcome: { status: 200, body: '' },
  },
  {
    what: 'an answer as the body to a HEAD',
    method: 'HEAD',
    answer:
      'HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    outcome: { status: 200, body: '' },
  },
  {
    what: 'an answer as the body to a 304',
    answer:
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    outcome: { status: 304, body: '' },
  },
  {
    what: 'an answer as the body to a 204',
    answer: 'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    outcome: { status: 204, body: '' },
  },
  {
    what: 'a 205 with a body',
    answer: 'HTTP/1.1 205 Reset\r\nContent-Length: 4\r\n\r\nevil',
    outcome: { status: 205, body: '' },
  },
]

test.each(answers)('$what', async ({ answer, outcome, method = 'GET', ends = false }) => {
  const fetch = createNodeFetch({ connectMs: 5000 })
  onTestFinished(() => fetch.close())
  let requests = 0
  const peer = await startRawPeer((socket) => {
    socket.on('data', () => {
      requests += 1
      if (requests > 1) socket.write(good)
      else if (ends) socket.end(Buffer.from(answer, 'latin1'))
      else socket.write(Buffer.from(answer, 'latin1'))
    })
  })

  const asking = fetch(new Request(peer.origin, { method }), any)
  if (outcome === 'refused') {
    await expect(asking).rejects.toMatchObject({ name: 'FetchError', failure: 'unreachable' })
  } else if (outcome === 'broken body') {
    const response = await asking
    await expect(response.text()).rejects.toMatchObject({ failure: 'unreachable' })
  } else {
    const response = await asking
    expect({ status: response.status, body: await response.text() }).toEqual(outcome)
  }

  // Whatever came, the next answer is the one to the next request.
  const next = await fetch(new Request(peer.origin), any)
  expect(await next.text()).toBe('good')
})
