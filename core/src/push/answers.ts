import { type ErrorCode, isErrorCode, RegistryError } from '../errors.ts'
import { isObject, parseJson } from '../json.ts'
import { discard, readText } from '../upstream/body.ts'
import { ownWords, UpstreamTrouble } from '../upstream/trouble.ts'
import { toAnswerTrouble } from '../upstream/verdict.ts'

/** What of an answer to a push a client reads; Location is made anew. */
const passedHeaders = [
  'docker-content-digest',
  'docker-upload-uuid',
  'oci-chunk-max-length',
  'oci-chunk-min-length',
  'oci-subject',
  'range',
]

/** `Range: 0-N` and all else that the next step of an upload needs. */
export function headersOf(response: Response): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of passedHeaders) {
    const value = response.headers.get(name)
    if (value !== null) headers[name] = value
  }
  return headers
}

const codeOfStatus: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'UNAUTHORIZED'],
  [403, 'DENIED'],
  [404, 'NAME_UNKNOWN'],
  [405, 'UNSUPPORTED'],
  [413, 'SIZE_INVALID'],
  [416, 'RANGE_INVALID'],
])

/** Why an upstream did not take a push, in its own code and words as far as they can be repeated. */
export async function toRefusal(
  response: Response,
  upstream: string,
  repository: string,
): Promise<Error> {
  const { status } = response
  const trouble = toAnswerTrouble(response, upstream)
  if (trouble) {
    await discard(response)
    return trouble
  }
  // An upload is sent once: where else it should go cannot be followed.
  if (status < 400) {
    await discard(response)
    return new UpstreamTrouble(upstream, 'server-error', `it answered ${String(status)} to a push`)
  }
  const body = await readText(response, 16 * 1024)
  const words = ownWords(body)
  const said = words === '' ? `answered ${String(status)}` : `says ${words}`
  const code = status === 401 ? 'UNAUTHORIZED' : (codeOf(body) ?? codeOfStatus.get(status))
  return new RegistryError(code ?? 'UNKNOWN', `${upstream} ${said} to the push of ${repository}`, {
    status,
    headers: status === 416 ? headersOf(response) : {},
  })
}

function codeOf(body: string): ErrorCode | undefined {
  const parsed = parseJson(body)
  const errors: unknown = isObject(parsed) ? parsed['errors'] : undefined
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  const code = isObject(first) ? first['code'] : undefined
  return isErrorCode(code) ? code : undefined
}
