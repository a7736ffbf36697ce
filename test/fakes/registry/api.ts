import { answers, toReply, type Answer, type Reply } from './answer.ts'
import { answerBlob } from './blob.ts'
import { readPath, type Call, type ResourcePath } from './call.ts'
import type { Repository } from './content.ts'
import { answerManifest } from './manifest.ts'
import { answerReferrers } from './referrers.ts'
import { answerTags } from './tags.ts'
import { readBasic } from './token.ts'
import { repositoryFor, type World } from './world.ts'

const resources: Record<
  ResourcePath['kind'],
  (world: World, call: Call, repository: Repository, path: ResourcePath) => Reply
> = {
  manifest: answerManifest,
  blob: answerBlob,
  tags: answerTags,
  referrers: answerReferrers,
}

/** The registry API at its own host. */
export function answerApi(world: World, call: Call): Reply {
  const { behaviour } = world
  if (isBlocked(behaviour.userAgents, call)) return toReply(answers.blockPage, {})
  const { pathname } = call.url
  if (pathname === '/v2' && behaviour.bareV2 === 'redirect') {
    return toReply({ status: 301, headers: { location: '/v2/' } }, {})
  }
  if (pathname === '/v2' && behaviour.bareV2 === 'not-found') {
    return toReply(answers.notFoundPage, {})
  }
  if (pathname === '/v2/' || pathname === '/v2') return answerPing(world, call)
  const path = readPath(pathname)
  if (path === undefined) return toReply(answers.notFoundPage, {})
  return answerResource(world, call, path)
}

/** Libraries that fronts such as Cloudflare's turn away (registries.md, section 0, item 1). */
const libraries = /^(node|undici|deno|bun|axios|got|go-http-client|python|curl)\b/i

export function isBlocked(rule: 'any' | 'products-only', call: Call): boolean {
  const userAgent = call.headers.get('user-agent') ?? ''
  return rule === 'products-only' && (userAgent === '' || libraries.test(userAgent))
}

function answerPing(world: World, call: Call): Reply {
  const { access, challenge, ping } = world.behaviour
  const needsToken = access !== 'open' && challenge.ping.length > 0
  if (!needsToken || call.headers.has('authorization')) return withVersion(world, toReply(ping, {}))
  const reply = toReply(challenge.answer, {})
  for (const line of challenge.ping) reply.headers.append('www-authenticate', line)
  return withVersion(world, reply)
}

function answerResource(world: World, call: Call, path: ResourcePath): Reply {
  const { behaviour } = world
  const words = { name: path.name, reference: path.reference, digest: path.reference }
  const refuse = (answer: Answer): Reply => withCommon(world, challenged(world, answer, words))
  if (!hasAuthorization(world, call)) {
    return refuse({ ...behaviour.challenge.answer, challenge: 'plain' })
  }
  const repository = repositoryFor(world, path.name)
  if (repository === undefined || !mayRead(world, call, path.name, repository)) {
    return refuse(behaviour.unknownRepository)
  }
  return withCommon(world, resources[path.kind](world, call, repository, path))
}

function hasAuthorization(world: World, call: Call): boolean {
  return world.behaviour.access === 'open' || call.headers.has('authorization')
}

function mayRead(world: World, call: Call, name: string, repository: Repository): boolean {
  const { access, token, users } = world.behaviour
  const header = call.headers.get('authorization')
  if (access === 'open') return !repository.isPrivate
  if (access === 'basic') {
    const basic = readBasic(header)
    return basic !== undefined && users[basic.user] === basic.password
  }
  if (token.anyBearer && !repository.isPrivate) return true
  const grant = world.grants.get(/^Bearer (.+)$/i.exec(header ?? '')?.[1] ?? '')
  if (grant === undefined || grant.expiresAt <= world.now()) return false
  if (grant.repositories === 'all-public') return !repository.isPrivate
  return grant.repositories.has(name)
}

function challenged(world: World, answer: Answer, words: Record<string, string>): Reply {
  const reply = toReply(answer, words)
  if (answer.challenge === undefined) return reply
  const { repository, insufficient } = world.behaviour.challenge
  for (const [position, line] of repository.entries()) {
    const addition = answer.challenge === 'insufficient' && position === 0 ? insufficient : ''
    reply.headers.append('www-authenticate', line.replaceAll('{name}', words.name ?? '') + addition)
  }
  return reply
}

function withVersion(world: World, reply: Reply): Reply {
  const common = withCommon(world, reply)
  if (world.behaviour.apiVersion !== 'never') {
    common.headers.set('docker-distribution-api-version', 'registry/2.0')
  }
  return common
}

function withCommon(world: World, reply: Reply): Reply {
  if (world.behaviour.apiVersion === 'always') {
    reply.headers.set('docker-distribution-api-version', 'registry/2.0')
  }
  if (world.behaviour.rateLimit !== undefined) {
    reply.headers.set('docker-ratelimit-source', world.behaviour.rateLimit.source)
  }
  for (const [name, value] of Object.entries(world.behaviour.headers)) {
    for (const line of [value].flat()) reply.headers.append(name, line)
  }
  return reply
}
