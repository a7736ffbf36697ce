import { toReply, type Reply } from './answer.ts'
import type { Call } from './call.ts'
import type { World } from './world.ts'

/** Docker Hub's v1 search: official images are found without `library/`, and only so. */
export function answerSearch(world: World, call: Call): Reply {
  const query = call.url.searchParams.get('q') ?? ''
  const pageSize = Number(call.url.searchParams.get('n') ?? 25)
  const page = Number(call.url.searchParams.get('page') ?? 1)
  const names = [...world.repositories.keys()].map((name) => name.replace(/^library\//, ''))
  const found = names.filter((name) => name.includes(query)).sort()
  const results = found.slice((page - 1) * pageSize, page * pageSize).map((name) => ({
    name,
    description: `About ${name}`,
    pull_count: 1,
    star_count: 0,
    is_trusted: false,
    is_automated: false,
    is_official: !name.includes('/'),
  }))
  const body = JSON.stringify({
    num_pages: Math.ceil(found.length / pageSize),
    num_results: found.length,
    page_size: pageSize,
    page,
    query,
    results,
  })
  return toReply({ status: 200, contentType: 'application/json', body }, {})
}
