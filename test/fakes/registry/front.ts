import { answers, fillIn, toReply, type Reply } from './answer.ts'
import type { Front } from './behaviour.ts'
import { sendOn } from './blob.ts'
import { readPath, type Call } from './call.ts'
import type { World } from './world.ts'

/** A host that answers API requests with a redirect to another registry. */
export function answerFront(world: World, call: Call, front: Front): Reply {
  if (call.method !== 'GET' && call.method !== 'HEAD') {
    return toReply({ status: 405, body: 'Only GET and HEAD are allowed.' }, {})
  }
  if (call.kind === 'ping' && front.ping !== undefined) {
    const reply = toReply(front.ping, {})
    reply.headers.set('docker-distribution-api-version', 'registry/2.0')
    return reply
  }
  const path = readPath(call.url.pathname)
  const repository = world.repositories.get(path?.name ?? '')
  const blob = repository?.blobs.get(path?.reference ?? '')
  if (path?.kind === 'blob' && front.blobLocation !== undefined && blob !== undefined) {
    const hop = { status: front.status, location: front.blobLocation, body: 'empty' as const }
    return sendOn(world, call, blob, path.name, [hop])
  }
  if (!call.url.pathname.startsWith('/v2/')) return toReply(answers.notFoundPage, {})
  const location = fillIn(front.location, {
    path: call.url.pathname,
    rest: call.url.pathname.slice('/v2/'.length),
    search: call.url.search,
  })
  return toReply({ status: front.status, headers: { location }, body: front.body ?? '' }, {})
}
