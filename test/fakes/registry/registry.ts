import { FetchError, type Fetch } from '@pullway/core'
import { answers, toReply, type Reply } from './answer.ts'
import { answerApi, isBlocked } from './api.ts'
import type { Behaviour, Settings } from './behaviour.ts'
import { behaveLike, plainBehaviour } from './plain-behaviour.ts'
import { answerBlobHost } from './blob-host.ts'
import { aborted, respond } from './body.ts'
import { recordCall, type Call } from './call.ts'
import { pushInto, type PushOptions } from './content.ts'
import { createFaults, type Fault, type FaultTarget } from './fault.ts'
import { answerFront } from './front.ts'
import type { Image } from './image.ts'
import { answerSearch } from './search.ts'
import { answerToken } from './token.ts'
import type { World } from './world.ts'

export interface FakeRegistry {
  /** Serves as the Fetch port for all hosts that this registry plays. */
  readonly fetch: Fetch
  /** All calls so far, in order. */
  readonly calls: readonly Call[]
  readonly behaviour: Behaviour
  /** GETs of manifests, as Docker Hub counts them. */
  readonly pullsUsed: number
  push(repository: string, tag: string | undefined, image: Image, options?: PushOptions): void
  change(settings: Settings): void
  fail(target: FaultTarget, fault: Fault): { lift(): void }
  /** Whether it plays that host, blob hosts included once they were given out. */
  plays(host: string): boolean
  /** The lines of the calls since the last time. */
  takeLines(): string[]
}

export interface FakeRegistryOptions {
  readonly clock?: { now(): number }
}

/** A registry as scripted, with its token realm, blob hosts and search, on no socket at all. */
export function createFakeRegistry(
  base: Behaviour | Settings = {},
  { clock = Date }: FakeRegistryOptions = {},
): FakeRegistry {
  const calls: Call[] = []
  const faults = createFaults()
  const world = createWorld(behaveLike(plainBehaviour, base), () => clock.now())
  let taken = 0
  return {
    calls,
    get behaviour() {
      return world.behaviour
    },
    get pullsUsed() {
      return world.pullsUsed
    },
    async fetch(request, options) {
      const call = await recordCall(world, request, options)
      calls.push(call)
      request.signal.throwIfAborted()
      const active = faults.take(call)
      await failWithoutAnswer(active?.fault, call, request.signal)
      const reply =
        active?.fault.kind === 'answer' ? toReply(active.fault.answer, {}) : answerCall(world, call)
      call.status = reply.status
      return respond(reply, call, request.signal, active)
    },
    push: (repository, tag, image, options) =>
      pushInto(world.repositories, repository, tag, image, options),
    change(settings) {
      world.behaviour = behaveLike(world.behaviour, settings)
    },
    fail: (target, fault) => faults.add(target, fault),
    plays: (host) => playedHosts(world).has(host),
    takeLines() {
      const lines = calls.slice(taken).map((call) => call.line)
      taken = calls.length
      return lines
    },
  }
}

function createWorld(behaviour: Behaviour, now: () => number): World {
  let serial = 0
  return {
    behaviour,
    repositories: new Map(),
    grants: new Map(),
    locations: new Map(),
    now,
    nextSerial: () => ++serial,
    pullsUsed: 0,
  }
}

async function failWithoutAnswer(
  fault: Fault | undefined,
  call: Call,
  signal: AbortSignal,
): Promise<void> {
  if (call.kind === 'stranger') throw new FetchError('unreachable', `nobody plays ${call.url.host}`)
  if (fault?.kind === 'no-answer')
    throw new FetchError(fault.failure, `as scripted: ${fault.failure}`)
  if (fault?.kind !== 'hang') return
  await aborted(signal)
  throw signal.reason
}

function answerCall(world: World, call: Call): Reply {
  const location = world.locations.get(call.url.href)
  if (location !== undefined) return answerBlobHost(world, call, location)
  if (call.kind === 'search') return answerSearch(world, call)
  const front = world.behaviour.fronts.find(({ host }) => host === call.url.host)
  if (call.kind !== 'token' && front !== undefined) return answerFront(world, call, front)
  if (call.kind !== 'token') return answerApi(world, call)
  const isTurnedAway = isBlocked(world.behaviour.userAgents, call)
  return isTurnedAway ? toReply(answers.blockPage, {}) : answerToken(world, call)
}

function playedHosts(world: World): Set<string> {
  const { hosts, fronts, token, search } = world.behaviour
  return new Set([
    ...hosts,
    ...fronts.map((front) => front.host),
    new URL(token.realm).host,
    ...(search === undefined ? [] : [search.host]),
    ...[...world.locations.keys()].map((url) => new URL(url).host),
  ])
}
