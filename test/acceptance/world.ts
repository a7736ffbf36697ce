import { inject } from 'vitest'
import type { Image } from '../clients/upstream/images.ts'
import { reader, startUpstream, type Upstream } from '../clients/upstream/upstream.ts'
import { ask, type Answer, type Question } from './http.ts'
import { type Stage, startStage } from './stage.ts'
import type { Running } from './target.ts'
import { targets } from './targets/targets.ts'

/** The target under test, in front of an upstream of real parts. */
export interface World {
  readonly hub: Upstream
  readonly stage: Stage
  readonly mirror: Running
  /** The mirror as a registry's host in an image's name. */
  readonly host: string
  /** Asks the mirror for a path, which goes out as it is. */
  ask(path: string, question?: Question): Promise<Answer>
  /** Everything reachable again, nothing scripted, nothing counted. */
  reset(): Promise<void>
  /** Registry, realm and CDN refuse connections. */
  off(): Promise<void>
  stop(): Promise<void>
}

/** The same upstream with the operator's account. */
export const readersRegistry = 'reader.example.com'
/** The same upstream with its delivery forced. */
export const forced = { redirect: 'links.example.com', stream: 'streams.example.com' } as const

/** What the operator's account opens is for everybody here. */
const readersRules = [
  { users: ['anonymous'], images: [`${readersRegistry}/**`] },
  { users: ['*'], images: ['**'] },
]

type Settings = Readonly<Record<string, unknown>>

export function startWorld(...images: readonly Image[]): Promise<World> {
  return startWorldWith({ access: { rules: readersRules } }, ...images)
}

/** With more in the configuration. */
export function startWorldWith(settings: Settings, ...images: readonly Image[]): Promise<World> {
  return start(() => settings, images)
}

/** Where clients have accounts of their own, and push. */
export const relayRegistry = 'relay.example.com'

export function startRelayWorld(...images: readonly Image[]): Promise<World> {
  const settingsFor = (url: string): Settings => ({
    upstreams: {
      [relayRegistry]: {
        clientCredentials: 'relay',
        endpoints: [{ url }],
        trustedHosts: ['127.0.0.1'],
      },
    },
    push: { enabled: true },
  })
  return start(settingsFor, images)
}

async function start(
  settingsFor: (upstream: string) => Settings,
  images: readonly Image[],
): Promise<World> {
  const hub = await startUpstream()
  await hub.seed(...images)
  const stage = await startStage(Number(new URL(hub.url).port))
  const trustedHosts = ['127.0.0.1']
  const mirror = await targets[inject('target')].start({
    upstreams: {
      'docker.io': {
        aliases: ['hub'],
        hosts: ['docker.mirror.example.com'],
        endpoints: [{ url: stage.url }],
        trustedHosts,
        search: stage.url,
      },
      [readersRegistry]: { endpoints: [{ url: stage.url, ...reader }], trustedHosts },
      ...Object.fromEntries(
        Object.entries(forced).map(([blobs, name]) => [
          name,
          { endpoints: [{ url: stage.url }], trustedHosts, blobs },
        ]),
      ),
    },
    // Every tag is asked for again, so that what is served without the upstream is not just fresh.
    cache: { tags: { freshFor: '0s' } },
    ...settingsFor(stage.url),
  })
  return {
    hub,
    stage,
    mirror,
    host: new URL(mirror.url).host,
    ask: (path, question) => ask(mirror.url + path, question),
    reset: async () => {
      hub.cdn.release()
      stage.pass()
      await Promise.all([hub.on(), stage.on()])
      hub.forget()
      stage.forget()
    },
    off: async () => {
      await Promise.all([hub.off(), stage.off()])
    },
    stop: async () => {
      await mirror.stop()
      await stage.off()
      await hub.stop()
    },
  }
}
