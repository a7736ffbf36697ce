import { readText } from './body.ts'
import type { Asked, S3Client } from './client.ts'
import { S3Error } from './error.ts'
import { element, escape, hasRoot } from './xml.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** A multipart upload. S3 keeps its parts, and bills them, until it is completed or aborted. */
export interface Upload {
  add(part: Bytes): Promise<void>
  complete(): Promise<void>
  abort(): Promise<void>
}

/** What one upload may have (S3, "Multipart upload limits"). */
export const mostParts = 10_000
/** For a part, or the service's own work of joining all of them. */
export const uploadLimitMs: number = 5 * 60_000
const shortLimitMs = 10_000

/** Undefined: S3 sent nothing that can be one. It goes into URLs and XML. */
function checked(value: string | null | undefined): string | undefined {
  return value && /^[\x21-\x7e]{1,1024}$/.test(value) ? value : undefined
}

export async function beginUpload(
  client: S3Client,
  key: string,
  signal: AbortSignal,
): Promise<Upload> {
  const common = { key, accepts: [200], limitMs: uploadLimitMs } as const
  const uploadId = await create()
  const query = { uploadId }
  const etags: string[] = []

  async function create(): Promise<string> {
    const request: Asked = {
      ...common,
      method: 'POST',
      query: { uploads: '' },
      headers: { 'content-type': 'application/octet-stream' },
      limitMs: shortLimitMs,
      // Neither repeated nor given up half way: an upload would be left behind that nobody knows.
      isRepeatable: false,
    }
    const text = await client.ask(request, readText)
    const id = checked(element(text, 'InitiateMultipartUploadResult', 'UploadId'))
    if (id === undefined) throw new Error(`S3 began an upload of ${key} without a valid UploadId`)
    return id
  }

  return {
    async add(part) {
      if (etags.length === mostParts) throw new RangeError(`More than ${mostParts} parts of ${key}`)
      const request: Asked = {
        ...common,
        ...(await payload(client, part)),
        method: 'PUT',
        query: { ...query, partNumber: `${etags.length + 1}` },
        isRepeatable: true,
        signal,
      }
      const etag = await client.ask(request, async (answer) => {
        await readText(answer)
        return checked(answer.headers.get('etag'))
      })
      if (etag === undefined) throw new Error(`S3 took a part of ${key} without a valid ETag`)
      etags.push(etag)
    },

    async complete() {
      const request: Asked = {
        ...common,
        method: 'POST',
        query,
        headers: { 'content-type': 'application/xml' },
        body: completion(etags),
        isRepeatable: true,
      }
      const text = await client.ask(request, readText)
      // S3 begins its answer before it is done, so that a failure comes with status 200.
      if (hasRoot(text, 'CompleteMultipartUploadResult')) return
      throw new S3Error({ method: 'POST', key }, { status: 200, text })
    },

    async abort() {
      const request: Asked = {
        method: 'DELETE',
        key,
        query,
        // 404: it is gone already.
        accepts: [204, 200, 404],
        limitMs: shortLimitMs,
        isRepeatable: true,
      }
      await client.ask(request, readText)
    },
  }
}

/** S3 refuses a body of another hash. Over TLS, where nothing can change on its way, hashing is saved. */
export async function payload(
  { isEncrypted }: S3Client,
  body: Bytes,
  sha256?: string,
): Promise<Required<Pick<Asked, 'headers' | 'body'>>> {
  const hash = sha256 ?? (isEncrypted ? 'UNSIGNED-PAYLOAD' : await sha256Of(body))
  const headers = { 'content-type': 'application/octet-stream', 'x-amz-content-sha256': hash }
  return { headers, body }
}

async function sha256Of(body: Bytes): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', body)).reduce(
    (hex, byte) => hex + byte.toString(16).padStart(2, '0'),
    '',
  )
}

function completion(etags: readonly string[]): string {
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escape(etag)}</ETag></Part>`,
  )
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
  return `<CompleteMultipartUpload xmlns="${namespace}">${parts.join('')}</CompleteMultipartUpload>`
}
