import { createPullway, type Digest, type Logger, type NotedHolding } from '@pullway/core'
import type { Config } from '@pullway/core/config'
import type { CacheFolder } from './cache-folder.ts'
import { createPorts } from './ports.ts'

/** Fetches again what was lost, as a client of a mirror on the same folder. */
export interface Healer {
  /** Why it could not be; undefined when it is here again. */
  heal(digest: Digest): Promise<string | undefined>
  close(): Promise<void>
}

export function createHealer({ config, records }: CacheFolder): Healer {
  const { ports, close } = createPorts(config, silent)
  const pullway = createPullway({ config: withoutAccess(config), ports })

  async function fetchFrom({ upstream, repository, kind, digest }: NotedHolding): Promise<string> {
    const place = kind === 'manifest' ? 'manifests' : 'blobs'
    const url = `http://localhost/v2/${upstream}/${repository}/${place}/${digest}`
    const works: Promise<unknown>[] = []
    const response = await pullway.fetch(new Request(url, { headers: { accept: '*/*' } }), {
      waitUntil: (work) => void works.push(work.catch(() => undefined)),
    })
    await response.body?.pipeTo(new WritableStream()).catch(() => undefined)
    await Promise.all(works)
    await pullway.idle()
    return `${upstream}/${repository} answers ${response.status}`
  }

  return {
    async heal(digest) {
      const holders = records.holdings.filter((holding) => holding.digest === digest)
      let failure = 'no record says which repository has it'
      for (const holder of holders) {
        failure = await fetchFrom(holder)
        if (await ports.blobs?.stat(digest)) return undefined
      }
      return failure
    },
    close,
  }
}

/** Who may run this command may read the folder. */
function withoutAccess(config: Config): Config {
  return {
    ...config,
    access: {
      networks: { allow: [], deny: [] },
      userAgents: { deny: [] },
      images: { allow: undefined, deny: [], message: undefined },
      users: undefined,
      rules: [],
      admins: [],
    },
    limits: { requests: undefined, connections: undefined, bandwidthBytesPerSecond: undefined },
  }
}

/** The command tells what comes of it. */
const silent: Logger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  access: () => undefined,
}
