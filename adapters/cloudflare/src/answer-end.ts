import type { RequestContext } from '@pullway/core'
import type { ExecutionContext } from './bindings.ts'
import { withLengthAndEnd } from './known-length.ts'

type Listener = Parameters<NonNullable<RequestContext['whenSent']>>[0]

/** For limits that count running answers: this runtime tells the end of none. */
export interface AnswerEnd {
  readonly whenSent: (listener: Listener) => void
  /** The same answer, whose end is told. No byte passes through JavaScript. */
  watch(response: Response, execution: ExecutionContext): Response
}

export function createAnswerEnd(): AnswerEnd {
  const listeners: Listener[] = []

  return {
    whenSent: (listener) => void listeners.push(listener),

    watch(response, execution) {
      const length = Number(response.headers.get('content-length') ?? 0)
      const tell = (isComplete: boolean): void => {
        for (const listener of listeners) listener(isComplete ? length : 0, isComplete)
      }
      if (!response.body || !response.headers.has('content-length')) {
        tell(true)
        return response
      }
      const { body, sent } = withLengthAndEnd(response.body, length)
      execution.waitUntil(
        sent.then(
          () => tell(true),
          () => tell(false),
        ),
      )
      return new Response(body, response)
    },
  }
}
