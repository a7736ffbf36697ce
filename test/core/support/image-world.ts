import { createTestMirror, type TestMirror } from '../../fakes/mirror.ts'
import { createFaultyStore, type FaultyStore } from './faulty-store.ts'
import type { Content, Image, Index } from './images.ts'
import { type Call, createScriptedFetch } from './scripted-fetch.ts'

type Answer = (call: Call) => Response | Promise<Response> | undefined

export interface ImageWorld {
  readonly mirror: TestMirror
  readonly store: FaultyStore
  readonly calls: readonly Call[]
  readonly push: (repository: string, tag: string, image: Image | Index) => void
  readonly untag: (repository: string, tag: string) => void
  /** Answers instead, where it gives something; undefined ends it. */
  readonly answerWith: (answer: Answer | undefined) => void
  /** `GET app/manifests/latest`, digests shortened, since the last time. */
  readonly takeLines: () => string[]
}

export interface ImageWorldOptions {
  readonly config?: string
  /** Headers that the registry leaves out of an answer. */
  readonly without?: readonly string[]
}

/** A mirror in front of one open registry of images that tests push to. */
export function createImageWorld({
  config = '',
  without = [],
}: ImageWorldOptions = {}): ImageWorld {
  const repositories = new Map<string, Map<string, Content>>()
  let answer: Answer | undefined
  let taken = 0

  const script = createScriptedFetch((call) => {
    const given = answer?.(call)
    if (given) return given
    const match = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(call.url.pathname)
    const content = repositories.get(match?.[1] ?? '')?.get(`${match?.[2]}/${match?.[3]}`)
    if (!content) return unknown(call.method)
    const headers = new Headers({
      'content-type': content.mediaType,
      'content-length': String(content.bytes.byteLength),
      'docker-content-digest': content.digest,
    })
    for (const name of without) headers.delete(name)
    return new Response(call.method === 'HEAD' ? null : content.bytes, { headers })
  })

  function put(repository: string, image: Image | Index): Map<string, Content> {
    const held = repositories.get(repository) ?? new Map<string, Content>()
    repositories.set(repository, held)
    held.set(`manifests/${image.digest}`, image)
    if ('images' in image) for (const child of image.images) put(repository, child)
    else for (const blob of image.blobs) held.set(`blobs/${blob.digest}`, blob)
    return held
  }

  const store = createFaultyStore()
  const mirror = createTestMirror({
    fetch: script.fetch,
    blobs: store,
    config: `upstreams: { registry.test: { default: true } }\n${config}`,
  })
  return {
    mirror,
    store,
    calls: script.calls,
    push: (repository, tag, image) => void put(repository, image).set(`manifests/${tag}`, image),
    untag: (repository, tag) => void repositories.get(repository)?.delete(`manifests/${tag}`),
    answerWith: (given) => void (answer = given),
    takeLines() {
      const lines = script.calls.slice(taken).map(lineOf)
      taken = script.calls.length
      return lines
    },
  }
}

function unknown(method: string): Response {
  const body = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
  return new Response(method === 'HEAD' ? null : body, { status: 404 })
}

export function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 6)
}

function lineOf({ method, url }: Call): string {
  const path = url.pathname.slice('/v2/'.length)
  return `${method} ${path.replace(/sha256:.*$/, short)}`
}

/** Takes a whole image into the cache, as a client does. */
export async function pullAll(
  { mirror }: ImageWorld,
  repository: string,
  tag: string,
  image: Image,
): Promise<void> {
  await mirror.get(`/v2/${repository}/manifests/${tag}`)
  await mirror.get(`/v2/${repository}/manifests/${image.digest}`)
  for (const { digest } of image.blobs) await mirror.get(`/v2/${repository}/blobs/${digest}`)
  await mirror.settle()
}
