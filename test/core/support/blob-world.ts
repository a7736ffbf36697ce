import type { BlobStore, Digest } from '@pullway/core'
import { parseByteRange, resolveByteRange } from '../../../core/src/request/byte-range.ts'
import { createTestMirror, type TestMirror } from '../../fakes/mirror.ts'
import type { Bytes } from '../../contract/content.ts'
import { type ControlledBody, createControlledBody } from './controlled-body.ts'
import { createFaultyStore, type FaultyStore } from './faulty-store.ts'
import type { Content } from './images.ts'
import { type Call, createScriptedFetch } from './scripted-fetch.ts'

export interface BlobWorldOptions {
  readonly contents: readonly Content[]
  /** Whole downloads come as the test gives them, chunk by chunk. */
  readonly isControlled?: boolean
  /** False: no answer tells a length. */
  readonly tellsLength?: boolean
  readonly ranges?: 'honour' | 'ignore' | 'refuse'
  readonly holds?: (repository: string, digest: Digest) => boolean
  /** Answers instead, where it gives something. */
  readonly answer?: (call: Call) => Response | Promise<Response> | undefined
  readonly store?: BlobStore
  readonly config?: string
}

export interface BlobWorld {
  readonly mirror: TestMirror
  readonly store: FaultyStore
  /** Whole downloads, in the order in which they were asked for. */
  readonly downloads: readonly ControlledBody[]
  readonly calls: readonly Call[]
  /** `GET app`, `GET app bytes=0-9`, `HEAD app`, since the last time. */
  readonly takeLines: () => string[]
  readonly metric: (name: string) => Promise<number>
}

const plainConfig = 'upstreams: { registry.test: { default: true } }'

/** A mirror in front of one open registry of blobs. */
export function createBlobWorld(options: BlobWorldOptions): BlobWorld {
  const { contents, ranges = 'honour', holds = () => true } = options
  const downloads: ControlledBody[] = []
  let taken = 0

  const script = createScriptedFetch((call) => {
    const [, repository = '', digest = ''] =
      /^\/v2\/(.+)\/blobs\/(.+)$/.exec(call.url.pathname) ?? []
    const given = options.answer?.(call)
    if (given) return given
    const content = contents.find((one) => one.digest === digest)
    if (!content || !holds(repository, content.digest)) return new Response('', { status: 404 })
    const asked = parseByteRange(call.headers.get('range'))
    if (call.method === 'GET' && asked && ranges === 'refuse')
      return new Response('', { status: 500 })
    const range = asked && ranges === 'honour' && resolveByteRange(asked, content.bytes.byteLength)
    if (range) return partOf(content.bytes, range.first, range.last)
    return whole(call, content.bytes)
  })

  function whole({ method }: Call, bytes: Bytes): Response {
    const headers: Record<string, string> =
      options.tellsLength === false ? {} : { 'content-length': String(bytes.byteLength) }
    if (method === 'HEAD') return new Response(null, { headers })
    if (options.isControlled !== true) return new Response(bytes, { headers })
    const body = createControlledBody()
    downloads.push(body)
    return new Response(body.stream, { headers })
  }

  const store = createFaultyStore(options.store)
  const mirror = createTestMirror({
    fetch: script.fetch,
    blobs: store,
    config: options.config ?? plainConfig,
  })
  return {
    mirror,
    store,
    downloads,
    calls: script.calls,
    takeLines() {
      const lines = script.calls.slice(taken).map(lineOf)
      taken = script.calls.length
      return lines
    },
    async metric(name) {
      const { text } = await mirror.get('/metrics')
      const lines = text.split('\n').filter((line) => line.startsWith(`pullway_${name}`))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
  }
}

export function partOf(bytes: Bytes, first: number, last: number): Response {
  return new Response(bytes.slice(first, last + 1), {
    status: 206,
    headers: {
      'content-length': String(last + 1 - first),
      'content-range': `bytes ${first}-${last}/${bytes.byteLength}`,
    },
  })
}

function lineOf({ method, url, headers }: Call): string {
  const repository = /^\/v2\/(.+)\/blobs\//.exec(url.pathname)?.[1] ?? url.pathname
  return [method, repository, headers.get('range')].filter((part) => part !== null).join(' ')
}
