import type { Config } from '../config/config.ts'

/** One finished request. */
export interface AccessEntry {
  readonly clientAddress: string
  /** Undefined: has not logged in. */
  readonly user: string | undefined
  readonly finishedAt: number
  readonly seconds: number
  readonly method: string
  readonly target: string
  readonly status: number
  readonly bodyBytes: number
  readonly referer: string | null
  readonly userAgent: string | null
  readonly host: string | null
  readonly upstream: string
  readonly cacheStatus: string
}

export type FormatAccess = (entry: AccessEntry) => string

export function createFormatAccess(format: Config['log']['format']): FormatAccess {
  return format === 'json' ? formatJson : createFormatMain()
}

/**
 * nginx's combined line with the host, the upstream, what the cache did, and seconds (contract.md):
 * `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer"
 * "$http_user_agent" "$host" $upstream $cache_status $request_time`
 */
function createFormatMain(): FormatAccess {
  const formatTime = createFormatTime()
  return (entry) =>
    `${entry.clientAddress} - ${entry.user ?? '-'} [${formatTime(entry.finishedAt)}] "${escape(`${entry.method} ${entry.target} HTTP/1.1`)}" ` +
    `${String(entry.status)} ${String(entry.bodyBytes)} "${escape(entry.referer)}" "${escape(entry.userAgent)}" ` +
    `"${escape(entry.host)}" ${entry.upstream} ${entry.cacheStatus} ${entry.seconds.toFixed(3)}`
}

function formatJson(entry: AccessEntry): string {
  return JSON.stringify({
    time: new Date(entry.finishedAt).toISOString(),
    remote_addr: entry.clientAddress,
    remote_user: entry.user,
    method: entry.method,
    uri: entry.target,
    status: entry.status,
    body_bytes_sent: entry.bodyBytes,
    referer: entry.referer ?? undefined,
    user_agent: entry.userAgent ?? undefined,
    host: entry.host ?? undefined,
    upstream: entry.upstream,
    cache_status: entry.cacheStatus,
    request_time: Number(entry.seconds.toFixed(3)),
  })
}

// What would end the line or its quotes, or reach a terminal: as nginx, \xHH.
const unsafe = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/

function escape(text: string | null): string {
  if (text === null || text === '') return '-'
  if (!unsafe.test(text)) return text
  return text.replaceAll(new RegExp(unsafe, 'g'), (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase()
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
  })
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** nginx's $time_local in UTC; made once a second. */
function createFormatTime(): (epochMs: number) => string {
  let second = -1
  let text = ''
  const two = (value: number): string => String(value).padStart(2, '0')
  return (epochMs) => {
    if (Math.floor(epochMs / 1000) === second) return text
    second = Math.floor(epochMs / 1000)
    const at = new Date(epochMs)
    const day = `${two(at.getUTCDate())}/${months[at.getUTCMonth()] ?? ''}/${String(at.getUTCFullYear())}`
    text = `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
    return text
  }
}
