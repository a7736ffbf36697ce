import { answers, toReply, type Reply } from './answer.ts'
import { isBlocked } from './api.ts'
import { sendOn } from './blob.ts'
import type { Call } from './call.ts'
import type { Content } from './image.ts'
import { compressed } from './manifest.ts'
import { ranged } from './range.ts'
import type { SignedLocation, World } from './world.ts'

/** An address that a redirect gave out: a CDN, a bucket, or the next hop to it. */
export function answerBlobHost(world: World, call: Call, location: SignedLocation): Reply {
  const { blobHost, hosts } = world.behaviour
  if (isBlocked(blobHost.userAgents, call)) return toReply(answers.blockPage, {})
  const hasAuthorization = call.headers.has('authorization') || call.headers.has('cookie')
  const isOwnHost = hosts.includes(call.url.host)
  if (hasAuthorization && !isOwnHost && blobHost.authorization === 'refuse') {
    return toReply(answers.authHeaderNotAllowed, {})
  }
  if (location.expiresAt <= world.now()) return toReply(answers.signatureExpired, {})
  if (location.hopsLeft.length > 0) {
    return sendOn(world, call, location.content, location.repository, location.hopsLeft)
  }
  if (call.method === 'HEAD' && blobHost.head !== 'serve') return toReply(blobHost.head, {})
  const content = blobHost.content
  if (typeof content !== 'string') return toReply(content, {})
  return serve(world, call, location.content, content)
}

const spoil: Record<'right' | 'truncated' | 'wrong', (blob: Content) => Uint8Array<ArrayBuffer>> = {
  right: (blob) => blob.bytes,
  truncated: (blob) => blob.bytes.slice(0, blob.bytes.length >> 1),
  wrong: (blob) => blob.bytes.map((byte) => byte ^ 0xff),
}

function serve(
  world: World,
  call: Call,
  blob: Content,
  content: 'right' | 'truncated' | 'wrong',
): Reply {
  const { blobHost } = world.behaviour
  const headers = new Headers({ 'content-type': blobHost.contentType, ...blobHost.headers })
  if (blobHost.acceptRanges) headers.set('accept-ranges', 'bytes')
  const whole = compressed(blobHost.gzip, call, {
    status: 200,
    headers,
    bytes: spoil[content](blob),
    hidesLength: !blobHost.contentLength,
  })
  return ranged(blobHost.ranges, call, whole)
}
