import type { Fetch } from '@pullway/core'
import type { FakeClock } from './clock.ts'

export interface FakeUpstash {
  /** Serves as the Fetch port for the one host that it plays. */
  readonly fetch: Fetch
  /** All commands so far, in order. */
  readonly commands: readonly (readonly string[])[]
  /** From now on this is the answer to everything; undefined lifts it. */
  answerWith(answer: ((request: Request) => Promise<Response>) | undefined): void
}

export interface FakeUpstashOptions {
  readonly clock: FakeClock
  readonly origin: string
  readonly token: string
}

interface Entry {
  readonly value: string
  readonly expiresAt: number
}

/** Redis behind Upstash's REST API, as its pages describe it: the pipeline and three commands. */
export function createFakeUpstash({ clock, origin, token }: FakeUpstashOptions): FakeUpstash {
  const entries = new Map<string, Entry>()
  const commands: (readonly string[])[] = []
  let scripted: ((request: Request) => Promise<Response>) | undefined

  function run([name, key = '', value = '', unit, life]: readonly string[]): object {
    if (name === 'GET') {
      const entry = entries.get(key)
      const isAlive = entry !== undefined && clock.now() < entry.expiresAt
      return { result: isAlive ? entry.value : null }
    }
    if (name === 'DEL') return { result: entries.delete(key) ? 1 : 0 }
    if (name !== 'SET' || unit !== 'PX') return { error: 'ERR syntax error' }
    if (!/^[1-9]\d*$/.test(life ?? '')) return { error: "ERR invalid expire time in 'set' command" }
    entries.set(key, { value, expiresAt: clock.now() + Number(life) })
    return { result: 'OK' }
  }

  return {
    commands,
    answerWith: (answer) => void (scripted = answer),

    async fetch(request) {
      request.signal.throwIfAborted()
      if (scripted) return scripted(request)
      if (request.url !== `${origin}/pipeline`) return json(404, { error: 'Not Found' })
      if (request.method !== 'POST') return json(405, { error: 'ERR method not allowed' })
      if (request.headers.get('authorization') !== `Bearer ${token}`) {
        return json(401, { error: 'WRONGPASS invalid or missing auth token' })
      }
      const pipeline = (await request.json()) as readonly (readonly string[])[]
      commands.push(...pipeline)
      return json(200, pipeline.map(run))
    },
  }
}

function json(status: number, body: unknown): Response {
  return Response.json(body, { status })
}
