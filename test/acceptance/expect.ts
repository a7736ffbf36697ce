import { expect } from 'vitest'
import { toDigest } from '../clients/digest.ts'
import type { Content } from '../clients/upstream/images.ts'
import type { Answer } from './http.ts'

/** What clients accept, in the order of none of them. */
export const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** An error in the OCI form, with one sentence for a person. */
export function expectError(
  { status, headers, body }: Answer,
  wanted: { readonly status: number; readonly code: string },
): string {
  const text = body.toString()
  expect({ status, text }).toMatchObject({ status: wanted.status })
  expect(headers['content-type']).toMatch(/^application\/json/)
  const { errors } = JSON.parse(text) as {
    readonly errors: readonly { readonly code: string; readonly message: string }[]
  }
  expect(errors.map(({ code }) => code)).toEqual([wanted.code])
  const message = errors[0]?.message ?? ''
  expect(message.length).toBeGreaterThan(10)
  return message
}

/** The content whole, byte for byte. */
export function expectContent(answer: Answer, content: Content): void {
  const { status, isWhole, body } = answer
  expect({ status, isWhole, digest: toDigest(body), size: body.byteLength }).toEqual({
    status: 200,
    isWhole: true,
    digest: content.digest,
    size: content.bytes.byteLength,
  })
}

/** Never wrong bytes that look right: right, or an error, or visibly not the whole. */
export function expectNoLie({ status, isWhole, body }: Answer, content: Content): void {
  if (status >= 400 || !isWhole) return
  expect(toDigest(body)).toBe(content.digest)
}
