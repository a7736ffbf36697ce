import { expect, test } from 'vitest'
import { type FunctionUrlEvent, toRequest } from '../../adapters/lambda/src/event.ts'
import { createEvent } from './create-event.ts'

const domain = 'abc.lambda-url.eu-central-1.on.aws'

test.each<{ what: string; event: Partial<FunctionUrlEvent>; url: string }>([
  {
    what: 'a pull',
    event: {
      rawPath: '/v2/library/alpine/manifests/latest',
      rawQueryString: 'ns=docker.io&a=b%20c',
    },
    url: `https://${domain}/v2/library/alpine/manifests/latest?ns=docker.io&a=b%20c`,
  },
  { what: 'no path', event: { rawPath: '' }, url: `https://${domain}/` },
  {
    what: 'percent-encoding stays',
    event: { rawPath: '/v2/a%2Fb%3F/blobs/sha256%3Aab' },
    url: `https://${domain}/v2/a%2Fb%3F/blobs/sha256%3Aab`,
  },
  {
    what: "another host's path",
    event: { rawPath: '//evil.example/v2/' },
    url: `https://${domain}//evil.example/v2/`,
  },
  {
    what: 'a question mark, a fragment, a backslash in the path',
    event: { rawPath: '/v2/a?ns=x#y\\..\\z' },
    url: `https://${domain}/v2/a%3Fns=x%23y%5C..%5Cz`,
  },
  {
    what: 'line ends, tabs and NUL in path and query',
    event: { rawPath: '/v2/\r\na\tb\u0000', rawQueryString: 'ns=\r\n#\t' },
    url: `https://${domain}/v2/%0D%0Aa%09b%00?ns=%0D%0A%23%09`,
  },
  {
    what: 'a Host header',
    event: host('mirror.example:8443'),
    url: 'https://mirror.example:8443/',
  },
  { what: 'an IPv6 host', event: host('[2001:db8::1]:5000'), url: 'https://[2001:db8::1]:5000/' },
  { what: 'a host with a path', event: host('evil.example/x'), url: `https://${domain}/` },
  { what: 'a host with a user', event: host('a@evil.example'), url: `https://${domain}/` },
  { what: 'a host with a query', event: host('evil.example?'), url: `https://${domain}/` },
  { what: 'an empty host', event: host(''), url: `https://${domain}/` },
])('the address of $what', ({ event, url }) => {
  expect(toRequest(createEvent(event))?.url).toBe(url)
})

test.each<{ what: string; headers: Record<string, string>; expected: Record<string, string> }>([
  {
    what: 'several types in one Accept',
    headers: { accept: 'application/json, application/vnd.oci.image.index.v1+json' },
    expected: { accept: 'application/json, application/vnd.oci.image.index.v1+json' },
  },
  {
    what: 'a cookie',
    headers: { cookie: 'a=b', range: 'bytes=0-1' },
    expected: { range: 'bytes=0-1' },
  },
  {
    what: 'a value with a line end and a name with a blank',
    headers: { 'x-a': 'b\r\nx-c: d', 'x y': 'z', 'x-ok': '1' },
    expected: { 'x-ok': '1' },
  },
])('the headers of $what', ({ headers, expected }) => {
  expect(Object.fromEntries(toRequest(createEvent({ headers }))!.headers)).toEqual(expected)
})

test.each([
  { what: 'text', event: { body: 'grant=ä' }, expected: 'grant=ä' },
  { what: 'base64', event: { body: btoa('grant'), isBase64Encoded: true }, expected: 'grant' },
  { what: 'nothing', event: {}, expected: '' },
])('the body of a POST: $what', async ({ event, expected }) => {
  const request = toRequest(createEvent(event, 'POST'))!
  expect(request.method).toBe('POST')
  expect(await request.text()).toBe(expected)
})

test.each(['GET', 'HEAD'])('a %s has no body, whatever came', (method) => {
  expect(toRequest(createEvent({ body: 'x' }, method))?.body).toBeNull()
})

test.each(['TRACE', 'CONNECT', 'BAD METHOD', ''])('no Request has the method %j', (method) => {
  expect(toRequest(createEvent({}, method))).toBeUndefined()
})

test('an address that cannot be is no Request', () => {
  expect(toRequest(createEvent(host('mirror.example:99999')))).toBeUndefined()
})

function host(value: string): Partial<FunctionUrlEvent> {
  return { rawPath: '/', headers: { host: value } }
}
