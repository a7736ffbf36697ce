import type { Asked } from '../clients/upstream/front.ts'
import { service } from '../clients/upstream/token.ts'
import type { Form } from './entrance.ts'
import {
  type Act,
  answer,
  cut,
  drip,
  encoded,
  flip,
  hang,
  longer,
  overstated,
  page,
  redirect,
  reset,
  resetAfterHeaders,
  type Scene,
  shorter,
  silence,
  withHeaders,
  write,
} from './scenes.ts'

/** What can go wrong with an endpoint, its realm or its CDN. */
export interface Fault {
  readonly scene?: Scene
  /** Which requests it meets. */
  readonly meets?: (asked: Met) => boolean
  /** How many of them; all, if it is not told. */
  readonly times?: number
  /** What stands at its ports instead. */
  readonly doors?: { readonly registry?: Form; readonly side?: Form }
  /** The endpoint is spoken to by HTTPS. */
  readonly isSecure?: boolean
  /** The endpoint's name, which resolves only when all is well. */
  readonly isNameless?: boolean
  /** The mirror has a token before. */
  readonly hasToken?: boolean
}

export interface Met extends Asked {
  /** The first one since the fault is there. */
  readonly firstAuthorization: string | undefined
}

type Meets = NonNullable<Fault['meets']>

const atRegistry: Meets = ({ host, kind }) =>
  host === 'registry' && (kind === 'manifest' || kind === 'blob')
const atCdn: Meets = ({ host }) => host === 'cdn'
const atRealm: Meets = ({ host }) => host === 'token'
/** Where the bytes come from. */
const atContent: Meets = ({ host, kind, authorization }) =>
  host === 'cdn' || (host === 'registry' && kind === 'manifest' && authorization !== undefined)

const registry = (scene: Scene): Fault => ({ scene, meets: atRegistry })
const cdn = (scene: Scene): Fault => ({ scene, meets: atCdn })
const realm = (scene: Scene): Fault => ({ scene, meets: atRealm })
const content = (scene: Scene): Fault => ({ scene, meets: atContent })
const once = (fault: Fault): Fault => ({ ...fault, times: 1 })

const zeros = `sha256:${'0'.repeat(64)}`

/** Nothing ends until all is well. */
export const held: Fault = content(silence('middle'))

/** By the names in matrix.md. */
export const faults: Readonly<Record<string, Fault>> = {
  '400': registry(answer(400)),
  '401 again and again': {
    scene: challenge,
    meets: (asked) => atRegistry(asked) && asked.authorization !== undefined,
  },
  '403': registry(answer(403)),
  '403 with a page': registry(page(403)),
  '404': registry(answer(404)),
  '405': registry(answer(405)),
  '408': registry(answer(408)),
  '410': registry(answer(410)),
  '416': registry(answer(416)),
  '418': registry(answer(418)),
  '429': registry(answer(429)),
  '429, Retry-After 2': registry(answer(429, { 'retry-after': '2' })),
  '500': registry(answer(500)),
  '502 with a page': registry(page(502)),
  '503': registry(answer(503)),
  '503, Retry-After 2': registry(answer(503, { 'retry-after': '2' })),
  '504': registry(answer(504)),
  '200 with a page': registry(page(200)),
  'reset before headers': content(reset),
  'reset in headers': content(write('HTTP/1.1 200 OK\r\nContent-Le')),
  'reset after headers': content(resetAfterHeaders),
  'reset after headers, once': once(content(resetAfterHeaders)),
  'no HTTP': registry(write('SSH-2.0-OpenSSH_9.2\r\n')),
  'headers of 200 KB': registry(
    write(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(200_000)}\r\nContent-Length: 0\r\n\r\n`),
  ),
  'cut at the start, once': once(content(cut('start'))),
  'cut after a byte, once': once(content(cut('second'))),
  'cut in the middle, once': once(content(cut('middle'))),
  'cut before the last byte, once': once(content(cut('last'))),
  'cut at the start, always': content(cut('start')),
  'cut without length, once': once(
    content(cut('middle', (headers) => delete headers['content-length'])),
  ),
  'wrong first byte': content(flip('start')),
  'wrong byte in the middle': content(flip('middle')),
  'wrong last byte': content(flip('last')),
  'wrong last byte, once': once(content(flip('last'))),
  'too long': content(longer),
  'too short': content(shorter),
  'less than announced': content(overstated),
  'no length': content(withHeaders((headers) => delete headers['content-length'])),
  'wrong media type': content(withHeaders((headers) => (headers['content-type'] = 'text/html'))),
  'no media type': content(withHeaders((headers) => delete headers['content-type'])),
  'wrong digest header': content(
    withHeaders((headers) => (headers['docker-content-digest'] = zeros)),
  ),
  'encoded with gzip': content(encoded),
  'redirect loop': registry(redirect(({ registry: url }, path) => url + path)),
  'redirect to nowhere': registry(redirect(() => 'http://127.0.0.1:1/')),
  'redirect to a private address': registry(redirect(() => 'http://10.0.0.1/')),
  'redirect to a name of a private address': registry(redirect(() => 'http://inside.test:1/')),
  'redirect from https to http': {
    ...registry(redirect(({ registry: url }, path) => url.replace('https', 'http') + path)),
    isSecure: true,
  },
  'garbage for a Location': registry(redirect(() => 'http://[not an address')),
  'CDN dead': { doors: { side: 'off' }, hasToken: true },
  'CDN 403': cdn(answer(403)),
  'CDN 404': cdn(answer(404)),
  'CDN 500': cdn(answer(500)),
  'CDN silent': cdn(hang),
  'token expired': {
    scene: challenge,
    meets: (asked) => atRegistry(asked) && asked.authorization === asked.firstAuthorization,
    hasToken: true,
  },
  'realm dead': { doors: { side: 'off' } },
  'realm 500': realm(answer(500)),
  'realm 429': realm(answer(429)),
  'realm 401': realm(answer(401)),
  'realm garbage': realm(answer(200, { 'content-type': 'application/json' }, '{"token":')),
  'realm silent': realm(hang),
  'slow drip': content(drip(200)),
  'silence before headers': registry(hang),
  'silence after headers': content(silence('start')),
  'silence in the body, once': once(content(silence('middle'))),
  'connection refused': { doors: { registry: 'off' } },
  'name does not resolve': { isNameless: true },
  'wrong certificate': { isSecure: true, doors: { registry: 'https-untrusted' } },
  'plain HTTP behind https': { isSecure: true, doors: { registry: 'http' } },
}

function challenge(...[request, response, urls]: Parameters<Act>): void {
  const header = `Bearer realm="${urls.side}/token",service="${service}"`
  answer(401, { 'www-authenticate': header })(request, response, urls)
}
