import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Intercept } from './s3-server.ts'
import {
  createHastyClock,
  type HastyClock,
  nameOf,
  type S3UnderTest,
  startS3,
} from './s3-support.ts'

export const document = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** How one request is answered. */
export type Answer = (response: ServerResponse, request: IncomingMessage) => void

export const says =
  (status: number, text: string = ''): Answer =>
  (response, request) => {
    // What is sent meanwhile is read, so that the answer arrives.
    request.resume()
    response.writeHead(status, { 'content-type': 'application/xml' }).end(text)
  }
export const refuses = (status: number, code: string): Answer =>
  says(status, `${document}<Error><Code>${code}</Code><Message>S3RVER</Message></Error>`)
export const breaksOff: Answer = (response) => response.destroy()
/** The work is done, and nobody hears of it. */
export const losesAnswer: Answer = (response) => {
  response.end = () => response.destroy()
}

/** Answers the requests of one name in turn; the others, and those after, are served. */
function inTurn(name: string, answers: readonly Answer[]): Intercept {
  const left = [...answers]
  return (request, response) => {
    const answer = nameOf(request) === name ? left.shift() : undefined
    answer?.(response, request)
    return answer !== undefined && answer !== losesAnswer
  }
}

/** S3 that answers the requests of one name so, and a store whose pauses take no time. */
export async function startTroubled(
  name: string,
  answers: readonly Answer[],
): Promise<S3UnderTest & { readonly clock: HastyClock }> {
  const clock = createHastyClock()
  const s3 = await startS3({ clock }, { intercept: inTurn(name, answers) })
  return { ...s3, clock }
}
