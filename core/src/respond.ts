import type { Answer } from './answer.ts'
import { formatCacheStatus } from './observe/cache-status.ts'

/** Makes the Response of an answer: the one place where headers to a client are put together. */
export function respond(answer: Answer, method: 'GET' | 'HEAD'): Response {
  const { status, body, outcome } = answer
  const headers = answer.headers
  headers['docker-distribution-api-version'] = 'registry/2.0'
  headers['cache-status'] = formatCacheStatus(outcome)
  // Layers and manifests are anybody's content: no browser is to guess at it.
  headers['x-content-type-options'] = 'nosniff'
  if (outcome.startsWith('stale-')) {
    // podman prints exactly this form (clients.md, section 3.3).
    const reason = outcome.slice('stale-'.length).replace('-', ' ')
    headers['warning'] = `299 - "pullway served a stored copy: the upstream is ${reason}"`
  }
  const hasBody = method === 'GET' && status !== 304
  if (!hasBody && body instanceof ReadableStream) void body.cancel().catch(() => undefined)
  return new Response(hasBody ? body : null, { status, headers })
}
