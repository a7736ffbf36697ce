import {
  Agent,
  type IncomingMessage,
  type RequestListener,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Host, noteRequest } from '../clients/upstream/front.ts'
import type { Upstream } from '../clients/upstream/upstream.ts'
import { type Certificates, openEntrance } from './entrance.ts'
import type { Fault } from './faults.ts'
import type { Hosts } from './hosts.ts'
import type { Change, SiteUrls } from './scenes.ts'

/** An endpoint of its own before the real registry, with its own realm and CDN, and a fault at a time. */
export interface Site {
  /** As a configuration has it. */
  readonly url: string
  /** From now on the fault is in the way. */
  spoil(fault: Fault): Promise<void>
  heal(): Promise<void>
  /** Exchanges in which the fault took part. */
  met(): number
  stop(): Promise<void>
}

export interface SiteOptions {
  readonly isSecure?: boolean
  /** Instead of its address. */
  readonly name?: { readonly host: string; readonly hosts: Hosts }
}

export async function openSite(
  hub: Upstream,
  certificates: Certificates,
  { isSecure = false, name }: SiteOptions = {},
): Promise<Site> {
  const form = isSecure ? 'https' : 'http'
  let fault: Fault | undefined
  let met = 0
  let firstAuthorization: string | undefined

  const count = (): void => {
    met++
  }

  const listen =
    (door: keyof SiteUrls): RequestListener =>
    (request, response) => {
      const host = hostOf(door, request)
      if (host === 'registry') firstAuthorization ??= request.headers.authorization
      const note = { ...noteRequest(host, request), firstAuthorization }
      const { scene } = fault ?? {}
      const isMet = fault?.meets?.(note) === true && met < (fault.times ?? Infinity)
      if (isMet && typeof scene === 'function') {
        met++
        scene(request, response, urls)
        return
      }
      const change = isMet && typeof scene === 'object' ? scene : undefined
      passOn(hub, host, request, response, { rewrite, change, onChange: count })
    }
  await name?.hosts.add(name.host)
  const [front, side] = await Promise.all([
    openEntrance(listen('registry'), certificates, form),
    openEntrance(listen('side'), certificates, form),
  ])
  const urls: SiteUrls = {
    registry: `${form}://${name?.host ?? '127.0.0.1'}:${front.port}`,
    side: `${form}://127.0.0.1:${side.port}`,
  }

  /** The real realm's and CDN's addresses become the site's own. */
  function rewrite(text: string): string {
    if (fault?.doors?.side !== undefined) met++
    return text.replaceAll(hub.doors.token, urls.side).replaceAll(hub.doors.cdn, urls.side)
  }

  return {
    url: urls.registry,
    met: () => met,
    async spoil(next) {
      met = next.doors?.registry === undefined && !next.isNameless ? 0 : 1
      fault = next
      firstAuthorization = undefined
      if (next.isNameless) {
        await name?.hosts.remove(name.host)
        // No connection is left over from before.
        await front.become(form)
      }
      if (next.doors?.registry) await front.become(next.doors.registry)
      if (next.doors?.side) await side.become(next.doors.side)
    },
    async heal() {
      const { doors } = fault ?? {}
      fault = undefined
      await name?.hosts.add(name.host)
      if (doors?.registry) await front.become(form)
      if (doors?.side) await side.become(form)
    },
    stop: async () => {
      await Promise.all([front.become('off'), side.become('off')])
    },
  }
}

function hostOf(door: keyof SiteUrls, { url }: IncomingMessage): Host {
  if (door === 'registry') return 'registry'
  return url?.startsWith('/token') === true ? 'token' : 'cdn'
}

const agent = new Agent({ keepAlive: true })

interface Passing {
  readonly rewrite: (text: string) => string
  readonly change: Change | undefined
  /** Called when there is content to change. */
  readonly onChange: () => void
}

function passOn(
  hub: Upstream,
  host: Host,
  request: IncomingMessage,
  response: ServerResponse,
  passing: Passing,
): void {
  const { rewrite, change, onChange } = passing
  const { method, url, headers } = request
  const target = new URL(url ?? '', hub.doors[host])
  const onward = httpRequest(target, { method, agent, headers: { ...headers, host: target.host } })
  onward.on('error', () => {
    // A kept connection that its server has just closed is no fault of the row's.
    const isStale = onward.reusedSocket && !response.headersSent && !response.destroyed
    if (isStale) passOn(hub, host, request, response, passing)
    else response.destroy()
  })
  onward.on('response', (answer) => {
    const status = answer.statusCode ?? 0
    const given = { ...answer.headers }
    if (given.location !== undefined) given.location = rewrite(given.location)
    const challenge = given['www-authenticate']
    if (challenge !== undefined) given['www-authenticate'] = rewrite(challenge)
    const size = Number(given['content-length'])
    const hasBody = method !== 'HEAD'
    const isChanged = change && (status === 200 || status === 206) && (hasBody || change.headers)
    if (isChanged) {
      onChange()
      change.headers?.(given, size)
    }
    const body = isChanged && hasBody ? change.body : undefined
    response.writeHead(status, given)
    const sent = body
      ? pipeline(body({ chunks: answer, size }, response), response)
      : pipeline(answer, response)
    sent.catch(() => response.destroy())
  })
  response.on('close', () => onward.destroy())
  if (request.readableEnded) onward.end()
  else request.pipe(onward)
}
