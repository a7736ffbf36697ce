import { FetchError, type FetchFailure } from '@pullway/core'
import type { EndpointConfig, UpstreamConfig } from '../../../core/src/config/config.ts'
import type { Target } from '../../../core/src/request/parse.ts'
import type { Question } from '../../../core/src/upstream/question.ts'
import { digestOf, makeBytes } from '../../contract/content.ts'
import { type Call, hang, redirectTo } from './scripted-fetch.ts'
import { createUpstreamWorld, type UpstreamWorld } from './upstream-world.ts'

type Behave = (call: Call) => Response | Promise<Response>

export interface FailoverWorld extends UpstreamWorld {
  /** How each endpoint behaves from now on: `a` is https://a.test. */
  readonly behave: (name: string, how: Behave) => void
  readonly ask: (question?: Partial<Question>) => Promise<string>
  /** The names of the endpoints that were asked since the last time. */
  readonly takeAsked: () => string[]
}

export const content: Behave = ({ url }) => new Response(`content of ${url.hostname}`)

/** Several endpoints, a.test, b.test and so on, that all have the content until told otherwise. */
export function createFailoverWorld(
  names: string,
  config: Partial<UpstreamConfig> = {},
  endpoint: (name: string) => Partial<EndpointConfig> = () => ({}),
): FailoverWorld {
  const behaviours = new Map<string, Behave>()
  const world = createUpstreamWorld(
    (call) => (behaviours.get(call.url.hostname) ?? content)(call),
    {
      endpoints: Array.from(names, (name) => ({
        url: `https://${name}.test/v2`,
        credentials: undefined,
        accounts: [],
        ...endpoint(name),
      })),
      ...config,
    },
  )
  return {
    ...world,
    behave: (name, how) => void behaviours.set(`${name}.test`, how),
    ask: (question = {}) =>
      world.upstream.ask(
        {
          method: 'GET',
          repository: 'app',
          target: byTag,
          deadline: world.deadline(),
          ...question,
        },
        (response) => response.text(),
      ),
    takeAsked: () => world.script.takeLines().map((line) => /\/\/(\w+)\./.exec(line)?.[1] ?? line),
  }
}

const digest = digestOf(makeBytes(1))
const byTag: Target = { kind: 'manifest', reference: { type: 'tag', tag: 'latest' } }

export const questions: Readonly<Record<string, Partial<Question>>> = {
  'a manifest by tag': {},
  'a manifest by digest': { target: { kind: 'manifest', reference: { type: 'digest', digest } } },
  'a HEAD': { method: 'HEAD' },
  'a blob': { target: { kind: 'blob', digest } },
  'a range of a blob': {
    target: { kind: 'blob', digest },
    headers: { range: 'bytes=1-2' },
    alsoTake: [206],
  },
  'a tag list': { target: { kind: 'tags' } },
}

const status =
  (code: number, headers: Record<string, string> = {}): Behave =>
  () =>
    new Response(null, { status: code, headers })
export const failWith =
  (failure: FetchFailure): Behave =>
  () =>
    Promise.reject(new FetchError(failure, `as scripted: ${failure}`))
const challenge = (realm: string) =>
  new Response('', { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}"` } })
const realmThat =
  (behave: Behave): Behave =>
  (call) =>
    call.url.pathname === '/token' ? behave(call) : challenge(`${call.url.origin}/token`)
const leadingTo =
  (behave: Behave): Behave =>
  (call) =>
    call.url.pathname === '/elsewhere' ? behave(call) : redirectTo('/elsewhere')

/** All that an endpoint can have but an answer, and the reason that is counted. */
export const troubles: Readonly<Record<string, readonly [string, Behave]>> = {
  '429': ['rate-limited', status(429)],
  '429 with a wait': ['rate-limited', status(429, { 'retry-after': '30' })],
  '408': ['timeout', status(408)],
  '500': ['server-error', status(500)],
  '502': ['server-error', status(502)],
  '503 with a wait': ['server-error', status(503, { 'retry-after': '30' })],
  '504': ['timeout', status(504)],
  '204, which is no content': ['server-error', status(204)],
  'a page that blocks': ['server-error', status(403, { 'content-type': 'text/html' })],
  'no connection, DNS or TLS': ['unreachable', failWith('unreachable')],
  'a time-out': ['timeout', failWith('timeout')],
  'a forbidden address': ['server-error', failWith('forbidden-address')],
  silence: ['timeout', hang],
  'a realm with 429': ['rate-limited', realmThat(status(429))],
  'a realm with 500': ['server-error', realmThat(status(500))],
  'a realm without connection': ['unreachable', realmThat(failWith('unreachable'))],
  'a silent realm': ['timeout', realmThat(hang)],
  'a realm without a token': ['server-error', realmThat(() => Response.json({}))],
  'a redirect to a server error': ['server-error', leadingTo(status(500))],
  'a redirect to silence': ['timeout', leadingTo(hang)],
  'a redirect to nowhere': ['unreachable', leadingTo(failWith('unreachable'))],
  'a redirect loop': ['unreachable', ({ url }) => redirectTo(url.href)],
  'a redirect to plain http': ['unreachable', ({ url }) => redirectTo(`http://${url.host}/`)],
  'a redirect to a private address': ['server-error', () => redirectTo('https://10.0.0.7/x')],
}
