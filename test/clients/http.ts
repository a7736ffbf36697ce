import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

export interface Download {
  /** Resolves with the first bytes. */
  readonly started: Promise<void>
  /** The digest of the whole body. */
  readonly digest: Promise<string>
}

/** A plain client on a connection of its own. */
export function download(url: string): Download {
  const answer = ask(url)
  const started = answer.then(async (response) => {
    if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`)
    await once(response, 'readable')
  })
  const digest = started.then(async () => hash(await answer))
  // A test that fails before it comes to look is one failure, not two.
  digest.catch(() => undefined)
  return { started, digest }
}

async function ask(url: string): Promise<IncomingMessage> {
  const request = get(url, { agent: false, signal: AbortSignal.timeout(50_000) })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

async function hash(response: IncomingMessage): Promise<string> {
  const hasher = createHash('sha256')
  for await (const chunk of response as AsyncIterable<Buffer>) hasher.update(chunk)
  return `sha256:${hasher.digest('hex')}`
}
