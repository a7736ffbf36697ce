/** S3's documents have some hundred bytes; its errors may repeat the request. */
const longestText = 64 * 1024

/** Reads a short body whole; throws when it is longer than S3's documents are, or broken off. */
export async function readText(answer: Response): Promise<string> {
  return new TextDecoder().decode(await readBytes(answer, longestText))
}

export async function readExactly(
  answer: Response,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = await readBytes(answer, bytes)
  if (content.byteLength === bytes) return content
  throw new Error(`S3 sent ${content.byteLength} of ${bytes} bytes`)
}

/** Node's fetch cancels a body that nobody reads yet when its Response is collected as garbage. */
const answers = new WeakMap<ReadableStream, Response>()

export function contentOf(answer: Response): ReadableStream<Uint8Array<ArrayBuffer>> {
  if (!answer.body) throw new Error('S3 sent no body')
  answers.set(answer.body, answer)
  return answer.body
}

async function readBytes(answer: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(maxBytes)
  let length = 0
  const reader = answer.body?.getReader()
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done) return bytes.subarray(0, length)
    if (length + value.byteLength > maxBytes) {
      await reader?.cancel().catch(() => undefined)
      throw new Error(`S3 sent more than ${maxBytes} bytes`)
    }
    bytes.set(value, length)
    length += value.byteLength
  }
}
