import { answers, toReply, type Reply } from './answer.ts'
import type { Call, ResourcePath } from './call.ts'
import type { Repository } from './content.ts'
import type { World } from './world.ts'

const quotedUnsupported =
  '{"errors":[{"code":"UNSUPPORTED","message":"Invalid parameter at \'NextToken\' failed to satisfy constraint: \'Invalid next token provided\'"}]}'

export function answerTags(
  world: World,
  call: Call,
  repository: Repository,
  path: ResourcePath,
): Reply {
  const { paging, pageSize } = world.behaviour.tags
  if (path.reference !== 'list') return toReply(answers.notFoundPage, {})
  const tags = [...repository.tags.keys()].sort()
  const start = paging === 'none' ? 0 : startOf(world, call.url.searchParams, tags)
  if (start === undefined) {
    return toReply({ status: 405, contentType: 'application/json', body: quotedUnsupported }, {})
  }
  const asked = Number(call.url.searchParams.get('n') ?? 0)
  const length = paging === 'none' ? tags.length : asked > 0 ? asked : pageSize
  const page = tags.slice(start, start + length)
  const reply = toReply(
    { status: 200, contentType: 'application/json', body: listBody(world, repository, path, page) },
    {},
  )
  if (start + length < tags.length) reply.headers.set('link', linkTo(world, path, page, length))
  return reply
}

function startOf(
  world: World,
  query: URLSearchParams,
  tags: readonly string[],
): number | undefined {
  const cursor = query.get(cursorName(world))
  if (cursor === null) return 0
  const last = isOpaque(world) ? Buffer.from(cursor, 'base64url').toString() : cursor
  const position = tags.indexOf(isOpaque(world) ? last.replace(/^after:/, '') : last)
  if (isOpaque(world) && (!last.startsWith('after:') || position < 0)) return undefined
  return position + 1
}

function linkTo(world: World, path: ResourcePath, page: readonly string[], length: number): string {
  const last = page.at(-1) ?? ''
  const cursor = isOpaque(world) ? Buffer.from(`after:${last}`).toString('base64url') : last
  const n = world.behaviour.tags.paging === 'last-n-zero' ? 0 : length
  return `</v2/${path.name}/tags/list?${cursorName(world)}=${encodeURIComponent(cursor)}&n=${n}>; rel="next"`
}

function isOpaque(world: World): boolean {
  return world.behaviour.tags.paging === 'opaque' || world.behaviour.tags.paging === 'next-page'
}

function cursorName(world: World): string {
  return world.behaviour.tags.paging === 'next-page' ? 'next_page' : 'last'
}

function listBody(
  world: World,
  repository: Repository,
  path: ResourcePath,
  page: readonly string[],
): string {
  const { extraKeys, oddEntries } = world.behaviour.tags
  const tags = oddEntries ? [...page, null, [...repository.manifests.keys()][0]] : page
  const manifest = Object.fromEntries(
    [...repository.manifests].map(([digest, { mediaType, bytes }]) => [
      digest,
      { imageSizeBytes: String(bytes.length), layerId: '', mediaType, tag: [], timeCreatedMs: '0' },
    ]),
  )
  // `path.name` is the backend's name where a front sends the question on, as with registry.k8s.io.
  return JSON.stringify({ name: path.name, tags, ...(extraKeys ? { child: [], manifest } : {}) })
}
