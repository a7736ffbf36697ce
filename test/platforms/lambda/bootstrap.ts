/**
 * `node bootstrap.ts`: plays the part of Lambda's Node runtime, which is not on npm as a program: takes
 * invocations from the Runtime API at AWS_LAMBDA_RUNTIME_API and streams what index.mjs in LAMBDA_TASK_ROOT
 * answers. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
 */
import { request, type ClientRequest } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

type Handler = (event: unknown, stream: ClientRequest, context: object) => Promise<void>

const root = `http://${process.env.AWS_LAMBDA_RUNTIME_API ?? ''}/2018-06-01/runtime/invocation`
const handlerSymbol = Symbol('streaming')
const preludes = new WeakMap<ClientRequest, string>()

Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: Handler) => Object.assign(handler, { [handlerSymbol]: true }),
    HttpResponseStream: {
      from(stream: ClientRequest, metadata: object) {
        stream.setHeader('content-type', 'application/vnd.awslambda.http-integration-response')
        preludes.set(stream, JSON.stringify(metadata))
        return stream
      },
    },
  },
})

const code = join(process.env.LAMBDA_TASK_ROOT ?? '', 'index.mjs')
const { handler } = (await import(pathToFileURL(code).href)) as { handler: Handler }
if (!(handlerSymbol in handler)) throw new Error('the handler does not stream')

for (;;) {
  const next = await fetch(`${root}/next`)
  const id = next.headers.get('lambda-runtime-aws-request-id') ?? ''
  const deadline = Number(next.headers.get('lambda-runtime-deadline-ms'))
  const event: unknown = await next.json()
  const { stream, closed } = openStream(id)
  try {
    await handler(event, stream, { getRemainingTimeInMillis: () => deadline - Date.now() })
    if (!stream.writableEnded && !stream.destroyed)
      throw new Error('the handler left its stream open')
  } catch (error) {
    console.error('Invoke Error', String(error))
    stream.destroy()
  }
  await closed
}

function openStream(id: string): { stream: ClientRequest; closed: Promise<void> } {
  const stream = request(`${root}/${id}/response`, {
    method: 'POST',
    agent: false,
    headers: {
      'content-type': 'application/octet-stream',
      'lambda-runtime-function-response-mode': 'streaming',
      'transfer-encoding': 'chunked',
    },
  })
  const write = stream.write.bind(stream) as (chunk: string | Uint8Array) => boolean
  // Metadata goes out with the first write, and never without one.
  stream.write = ((chunk: string | Uint8Array) => {
    const prelude = preludes.get(stream)
    if (prelude !== undefined) {
      preludes.delete(stream)
      write(prelude)
      write(new Uint8Array(8))
    }
    return write(chunk)
  }) as typeof stream.write
  const closed = new Promise<void>((resolve) => {
    stream.on('response', (answer) => answer.resume())
    stream.on('error', () => undefined)
    stream.on('close', resolve)
  })
  return { stream, closed }
}
