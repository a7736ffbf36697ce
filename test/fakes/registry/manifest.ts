import { gzipSync } from 'node:zlib'
import { answers, toReply, type Reply } from './answer.ts'
import type { ManifestBehaviour, RateLimitBehaviour } from './behaviour.ts'
import type { Call, ResourcePath } from './call.ts'
import { findManifest, type Repository } from './content.ts'
import { contentOf, mediaTypes, type Content } from './image.ts'
import type { World } from './world.ts'

export function answerManifest(
  world: World,
  call: Call,
  repository: Repository,
  path: ResourcePath,
): Reply {
  const { behaviour } = world
  const words = { name: path.name, reference: path.reference }
  const reference =
    behaviour.fallbackTag === 'subject'
      ? path.reference.replace(/^sha256-/, 'sha256:')
      : path.reference
  const manifest = findManifest(repository, reference)
  if (manifest === undefined) return limited(world, toReply(behaviour.unknownTag, words))
  if (call.method === 'GET') {
    if (isExhausted(world)) return limited(world, toReply(behaviour.rateLimit!.exhausted, words))
    world.pullsUsed++
  }
  const accepted = accepts(call.headers.get('accept'), manifest.mediaType)
  if (accepted || behaviour.manifests.accept === 'ignore') {
    return limited(world, serve(behaviour.manifests, call, manifest))
  }
  if (behaviour.manifests.accept === 'strict') return limited(world, notAccepted(manifest))
  return limited(world, serve(behaviour.manifests, call, downgraded(path)))
}

function accepts(header: string | null, mediaType: string): boolean {
  const types = (header ?? '').split(',').map((type) => type.split(';')[0]?.trim())
  return types.includes(mediaType)
}

function serve(behaviour: ManifestBehaviour, call: Call, manifest: Content): Reply {
  const headers = new Headers({ 'content-type': manifest.mediaType })
  const digestOn = {
    always: ['GET', 'HEAD'],
    'head-only': ['HEAD'],
    'get-only': ['GET'],
    never: [],
  }
  if ((digestOn[behaviour.digestHeader] as string[]).includes(call.method)) {
    headers.set('docker-content-digest', manifest.digest)
  }
  if (behaviour.etag === 'digest') headers.set('etag', `"${manifest.digest}"`)
  return compressed(behaviour.gzip, call, {
    status: 200,
    headers,
    bytes: manifest.bytes,
    hidesLength: call.method === 'HEAD' && !behaviour.headLength,
  })
}

export function compressed(rule: ManifestBehaviour['gzip'], call: Call, reply: Reply): Reply {
  const isAsked = /\bgzip\b/.test(call.headers.get('accept-encoding') ?? '')
  if (rule === 'never' || (rule === 'when-asked' && !isAsked)) return reply
  reply.headers.set('content-encoding', 'gzip')
  return { ...reply, bytes: new Uint8Array(gzipSync(reply.bytes)) }
}

function notAccepted(manifest: Content): Reply {
  const what = manifest.mediaType.includes('oci') ? 'OCI' : 'Docker'
  const message = `${what} manifest or index found, but accept header does not support it`
  return toReply(
    {
      ...answers.manifestUnknown,
      body: JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message }] }),
    },
    {},
  )
}

function downgraded(path: ResourcePath): Content {
  const text = JSON.stringify({ schemaVersion: 1, name: path.name, tag: path.reference })
  return contentOf(mediaTypes.dockerSchema1, new TextEncoder().encode(text))
}

function isExhausted(world: World): boolean {
  const { rateLimit } = world.behaviour
  return rateLimit !== undefined && world.pullsUsed >= rateLimit.limit
}

function limited(world: World, reply: Reply): Reply {
  const { rateLimit } = world.behaviour
  if (rateLimit === undefined) return reply
  const prefixes = rateLimit.copies ? ['', 'x-'] : ['']
  for (const prefix of prefixes) {
    reply.headers.set(`${prefix}ratelimit-limit`, quota(rateLimit, rateLimit.limit))
    const left = Math.max(rateLimit.limit - world.pullsUsed, 0)
    reply.headers.set(`${prefix}ratelimit-remaining`, quota(rateLimit, left))
  }
  return reply
}

function quota(rateLimit: RateLimitBehaviour, amount: number): string {
  return `${amount}${rateLimit.spaced ? ' ; ' : ';'}w=${rateLimit.windowSeconds}`
}
