import { code } from './xml.ts'

/** What an S3 service refused. The service's own message stays out: it may repeat what was signed, and keys. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly status: number
  /** As in <Error><Code>; undefined where the answer has none (a HEAD) or nothing that can be one. */
  readonly code: string | undefined

  constructor(request: { readonly method: string; readonly key: string }, answer: RefusedAnswer) {
    const refusal = code(answer.text)
    const what = refusal === undefined ? `${answer.status}` : `${answer.status} ${refusal}`
    super(`S3 answered ${what} to ${request.method} ${request.key}`)
    this.status = answer.status
    this.code = refusal
  }
}

interface RefusedAnswer {
  readonly status: number
  readonly text: string
}
