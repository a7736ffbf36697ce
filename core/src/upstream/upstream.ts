import type { Timeouts, UpstreamConfig } from '../config/config.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Clock, CreateHasher, Fetch, KeyValue } from '../ports.ts'
import type { Target } from '../request/parse.ts'
import { formatReference } from '../request/reference.ts'
import { type Asker, toCallerVerdict } from './asker.ts'
import { createSendAuthorized } from './authorize.ts'
import { createSend, type Follow, followRedirects, type Hop } from './exchange.ts'
import { recordQuota } from './quota.ts'
import { createRefusals } from './refusals.ts'
import { withTimeLimit } from './time-limit.ts'
import { createTokenSource, TokenRefused } from './token.ts'
import { toTrouble, UpstreamTrouble } from './trouble.ts'
import { denied, toVerdict } from './verdict.ts'

/** One question to an upstream, in the registry API's terms. */
export interface Question {
  readonly method: 'GET' | 'HEAD'
  readonly repository: string
  readonly target: Target
  /** When the answer must be there, epoch milliseconds. */
  readonly deadline: number
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses beside 200 that the asker wants to see; others become a verdict. */
  readonly alsoTake?: readonly number[]
  /** Which redirects to follow; all by default. */
  readonly follow?: Follow
  /** Instead of the operator. */
  readonly asker?: Asker
}

/** What is done with an answer before the deadline; a body that is not read here may be read for longer. */
export type Take<T> = (response: Response, signal: AbortSignal, from: URL) => Promise<T> | T

/** A registry that we pull from. */
export interface Upstream {
  readonly config: UpstreamConfig
  /** Whose rights it is asked with; empty for the operator's. What is asked at once is shared by equal ones only. */
  readonly askerKey: string
  /** Throws a RegistryError when the upstream says no, an UpstreamTrouble when it does not say. */
  ask<T>(question: Question, take: Take<T>): Promise<T>
  /** The same for an address beside the registry API (search). */
  askElsewhere<T>(url: URL, deadline: number, take: Take<T>): Promise<T>
  /** Its last answer was trouble, moments ago: what it would have to add to a cached copy may not come. */
  isTroubled(): boolean
}

export interface UpstreamOptions {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly createHasher: CreateHasher
  readonly state: KeyValue
  readonly volatile: KeyValue
  readonly timeouts: Timeouts
  readonly metrics: Metrics
}

const troubleLastsMs = 10_000

export function createUpstream(config: UpstreamConfig, options: UpstreamOptions): Upstream {
  const { clock, metrics, state, volatile, createHasher } = options
  const { name } = config
  const send = createSend(name, options)
  const tokens = createTokenSource({
    volatile,
    createHasher,
    clock,
    limitMs: options.timeouts.answerMs,
  })
  const refusals = createRefusals(name, volatile)
  const [endpoint] = config.endpoints
  if (!endpoint) throw new Error(`upstream ${name} has no endpoint`)
  const sendAuthorized = createSendAuthorized({ upstream: config, endpoint, send, tokens, state })
  const project = projectOf(endpoint.url)
  let troubledUntil = 0

  return {
    config,
    askerKey: '',
    isTroubled: () => clock.now() < troubledUntil,

    async ask(question, take) {
      const hop = toHop(endpoint.url, question)
      const { repository, target, alsoTake, follow, asker } = question
      const isCaller = asker?.rights.kind === 'caller'
      const asked = { upstream: name, endpoint: hop.url, repository, target }
      const scope = `repository:${project}${repository}:pull`
      const refusalKey = `refused/${asker?.key ?? ''}/${name}/${question.method}/${hop.url.href}/${JSON.stringify(question.headers)}`
      // What a caller is refused may be there the next moment, because that very caller pushes it.
      if (!isCaller) await refusals.check(refusalKey)
      try {
        return await inTime(question.deadline, async (signal) => {
          const sendHop = (next: Hop): Promise<Response> =>
            sendAuthorized(next, scope, signal, asker)
          const { response, from } = await followRedirects(hop, sendHop, follow)
          if (!isCaller) recordQuota(response.headers, metrics, name, hop.url.host)
          if (response.status !== 200 && !alsoTake?.includes(response.status)) {
            const verdict = await toVerdict(response, from, asked)
            throw isCaller ? toCallerVerdict(verdict, response.status, asked) : verdict
          }
          return take(response, signal, from)
        })
      } catch (error) {
        const meant =
          error instanceof TokenRefused ? denied(asked, error.message) : toTrouble(name, error)
        if (!isCaller) await refusals.note(refusalKey, meant)
        throw meant
      }
    },

    async askElsewhere(url, deadline, take) {
      const sendHop = (hop: Hop, signal: AbortSignal): Promise<Response> =>
        send(hop, hop.url.origin === url.origin ? 'any' : 'public', signal)
      try {
        return await inTime(deadline, async (signal) => {
          const first: Hop = { method: 'GET', url, headers: { accept: 'application/json' } }
          const { response, from } = await followRedirects(first, (hop) => sendHop(hop, signal))
          return take(response, signal, from)
        })
      } catch (error) {
        throw toTrouble(name, error)
      }
    },
  }

  async function inTime<T>(
    deadline: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      const answer = await withTimeLimit(clock, deadline - clock.now(), name, work)
      troubledUntil = 0
      return answer
    } catch (error) {
      const meant = toTrouble(name, error)
      const isTrouble = meant instanceof UpstreamTrouble && meant.reason !== 'rate-limited'
      troubledUntil = isTrouble ? clock.now() + troubleLastsMs : 0
      throw error
    }
  }
}

/** What an endpoint's path puts before names: `proxy/` of https://harbor.example.com/v2/proxy. */
export function projectOf(root: string): string {
  const project = /^(?:\/.*?)?\/v2\/(.+)$/.exec(new URL(root).pathname)?.[1]
  return project === undefined ? '' : `${project}/`
}

function toHop(root: string, { method, repository, target, query, headers }: Question): Hop {
  const search = query === undefined || query === '' ? '' : `?${query}`
  const url = new URL(`${root}/${repository}/${pathOf(target)}${search}`)
  return { method, url, headers: headers ?? {} }
}

function pathOf(target: Target): string {
  switch (target.kind) {
    case 'manifest':
      return `manifests/${formatReference(target.reference)}`
    case 'blob':
      return `blobs/${target.digest}`
    case 'referrers':
      return `referrers/${target.digest}`
    case 'tags':
      return 'tags/list'
  }
}
