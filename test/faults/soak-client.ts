import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { toDigest } from '../clients/digest.ts'
import type { Content, Image } from '../clients/upstream/images.ts'

/** What clients have seen, all of them together. */
export interface Tally {
  pulls: number
  /** Pulls that came to nothing, with what was said last. */
  readonly lost: string[]
  /** Answers by status, `cut` where one broke, `left` where the client did. */
  readonly answers: Map<string, number>
  bytes: number
  /** Whole answers with bytes that are not the content's: there must be none. */
  readonly wrong: string[]
  /** Parts with such bytes: nobody can tell on the way, and the client that puts them together does. */
  wrongParts: number
}

export const createTally = (): Tally => ({
  pulls: 0,
  lost: [],
  answers: new Map(),
  bytes: 0,
  wrong: [],
  wrongParts: 0,
})

const patienceMs = 30_000
/** As many as dockerd makes. */
const maxAttempts = 6

/** Pulls an image as clients do: the manifest, then its blobs at once, each as often as it takes. */
export async function pullImage(
  upstream: string,
  { repository, tag, digest, blobs, manifests }: Image,
  random: () => number,
  tally: Tally,
): Promise<void> {
  const base = `${upstream}/${repository}`
  const reference = random() < 0.5 ? tag : digest
  tally.pulls += 1
  const get = (path: string, content: Content): Promise<string | undefined> =>
    persist(`${base}/${path}`, content, random, tally)
  const top = manifests.at(-1)!
  const ends = [
    await get(`manifests/${reference}`, top),
    ...(await Promise.all(blobs.map((blob) => get(`blobs/${blob.digest}`, blob)))),
  ]
  const lost = ends.find((end) => end !== undefined)
  if (lost !== undefined) tally.lost.push(lost)
}

/** Undefined when all of it came; else what was said last. */
async function persist(
  url: string,
  content: Content,
  random: () => number,
  tally: Tally,
): Promise<string | undefined> {
  let last = ''
  // What came of it before the connection broke.
  let begun = Buffer.alloc(0)
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    if (attempt > 0) await pause(200 * 2 ** attempt)
    // Some leave in the middle, and come again.
    const leaveAt = attempt === 0 && random() < 0.1 ? random() * content.bytes.byteLength : Infinity
    const from = random() < 0.5 ? begun.byteLength : 0
    const { status, body, isWhole } = await ask(url, from, leaveAt)
    tally.bytes += body.byteLength
    const isGood = status === 200 || status === 206
    last = isGood && !isWhole ? (leaveAt < Infinity ? 'left' : 'cut') : String(status)
    tally.answers.set(last, (tally.answers.get(last) ?? 0) + 1)
    if (!isGood) continue
    const start = status === 206 ? from : 0
    const isRight = content.bytes.subarray(start, start + body.byteLength).equals(body)
    if (isWhole && status === 200 && toDigest(body) !== content.digest) tally.wrong.push(url)
    if (isWhole && status === 206 && !isRight) tally.wrongParts += 1
    if (isWhole && isRight && start + body.byteLength === content.bytes.byteLength) return undefined
    begun = isRight ? Buffer.concat([content.bytes.subarray(0, start), body]) : Buffer.alloc(0)
    // A part that is not right is not gone on with: its client has looked at the digest of the whole.
    if (begun.byteLength >= content.bytes.byteLength) begun = Buffer.alloc(0)
  }
  return `${url.replace(/^.*\/v2/, '')}: ${last}`
}

interface Got {
  readonly status: number
  readonly body: Buffer
  readonly isWhole: boolean
}

async function ask(url: string, from: number, leaveAt: number): Promise<Got> {
  const chunks: Buffer[] = []
  let status = 0
  let length = 0
  try {
    const sent = request(url, {
      agent: false,
      headers: { accept: '*/*', ...(from > 0 && { range: `bytes=${from}-` }) },
      signal: AbortSignal.timeout(patienceMs),
    })
    sent.end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    status = answer.statusCode ?? 0
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.byteLength
      if (length > leaveAt) answer.destroy()
    }
    return { status, body: Buffer.concat(chunks), isWhole: answer.complete }
  } catch {
    return { status, body: Buffer.concat(chunks), isWhole: false }
  }
}
