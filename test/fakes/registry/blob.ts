import { answers, fillIn, toReply, type Reply } from './answer.ts'
import type { Hop } from './behaviour.ts'
import type { Call, ResourcePath } from './call.ts'
import type { Repository } from './content.ts'
import type { Content } from './image.ts'
import { compressed } from './manifest.ts'
import { ranged } from './range.ts'
import type { World } from './world.ts'

/** A blob at the registry's own host. */
export function answerBlob(
  world: World,
  call: Call,
  repository: Repository,
  path: ResourcePath,
): Reply {
  const { hops, head, headLength } = world.behaviour.blobs
  const words = { name: path.name, digest: path.reference }
  const blob = repository.blobs.get(path.reference) ?? repository.manifests.get(path.reference)
  if (blob === undefined) return toReply(answers.blobUnknown, words)
  if (call.method === 'HEAD' && typeof head !== 'string') return toReply(head, words)
  const isSentOn = call.method === 'GET' || head === 'redirect'
  if (isSentOn && hops.length > 0) return sendOn(world, call, blob, repository.name, hops)
  return serveBlob(world, call, blob, call.method === 'HEAD' && !headLength)
}

/** The first of the hops, with the rest remembered under the address given out. */
export function sendOn(
  world: World,
  call: Call,
  blob: Content,
  repository: string,
  [hop, ...hopsLeft]: readonly Hop[],
): Reply {
  if (hop === undefined) return toReply(answers.serverError, {})
  const hex = blob.digest.split(':')[1] ?? ''
  const location = fillIn(hop.location, {
    digest: blob.digest,
    hex,
    two: hex.slice(0, 2),
    encoded: blob.digest.replace(':', '%3A'),
    name: repository,
    serial: String(world.nextSerial()),
  })
  const expiresAt = world.now() + world.behaviour.blobHost.lifeSeconds * 1000
  const url = new URL(location, call.url)
  url.hash = ''
  world.locations.set(url.href, { content: blob, repository, hopsLeft, expiresAt })
  const reply = toReply({ status: hop.status, ...redirectBodies[hop.body](location) }, {})
  reply.headers.set('location', location)
  for (const [name, value] of Object.entries(hop.headers ?? {})) reply.headers.set(name, value)
  return reply
}

const redirectBodies: Record<
  Hop['body'],
  (location: string) => { contentType: string; body: string }
> = {
  empty: () => ({ contentType: 'application/octet-stream', body: '' }),
  errors: () => ({ contentType: 'application/json', body: '{"errors":[]}' }),
  html: (location) => ({
    contentType: 'text/html; charset=utf-8',
    body: `<!DOCTYPE HTML><title>Redirecting...</title><p><a href="${location}">here</a></p>`,
  }),
}

function serveBlob(world: World, call: Call, blob: Content, hidesLength: boolean): Reply {
  const headers = new Headers({
    'content-type': 'application/octet-stream',
    'docker-content-digest': blob.digest,
  })
  const { acceptRanges, ranges } = world.behaviour.blobHost
  if (acceptRanges) headers.set('accept-ranges', 'bytes')
  const whole = compressed(world.behaviour.manifests.gzip, call, {
    status: 200,
    headers,
    bytes: blob.bytes,
    hidesLength,
  })
  return ranged(ranges, call, whole)
}
