import type { Reply } from './answer.ts'
import type { BlobHostBehaviour } from './behaviour.ts'
import type { Call } from './call.ts'

/** Cuts the asked range out of a whole answer. Several ranges at once get the whole. */
export function ranged(rule: BlobHostBehaviour['ranges'], call: Call, whole: Reply): Reply {
  const match = /^bytes=(\d*)-(\d*)$/.exec(call.headers.get('range') ?? '')
  if (match === null || call.method !== 'GET' || rule === 'ignore') return whole
  const [, firstText = '', lastText = ''] = match
  if (rule === 'closed-only' && lastText === '') return unsatisfiable(whole)
  const size = whole.bytes.length
  const first = firstText === '' ? Math.max(size - Number(lastText), 0) : Number(firstText)
  const last = firstText === '' || lastText === '' ? size - 1 : Math.min(Number(lastText), size - 1)
  if (first > last) return unsatisfiable(whole)
  const headers = new Headers(whole.headers)
  headers.set('content-range', `bytes ${first}-${last}/${size}`)
  return { ...whole, status: 206, headers, bytes: whole.bytes.slice(first, last + 1) }
}

function unsatisfiable(whole: Reply): Reply {
  const headers = new Headers({ 'content-range': `bytes */${whole.bytes.length}` })
  return { status: 416, headers, bytes: new Uint8Array() }
}
