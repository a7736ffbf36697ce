import { answers } from '../answer.ts'
import type { Settings } from '../behaviour.ts'

/** registries.md, section 4. */
export const quay = {
  hosts: ['quay.io'],
  challenge: {
    ping: ['Bearer realm="https://quay.io/v2/auth",service="quay.io"'],
    repository: [
      'Bearer realm="https://quay.io/v2/auth",service="quay.io",scope="repository:{name}:pull"',
    ],
    insufficient: '',
    answer: { status: 401, contentType: 'text/html; charset=utf-8', body: 'true' },
  },
  token: { realm: 'https://quay.io/v2/auth', fields: ['token'], lifeSeconds: 3600 },
  unknownRepository: { ...answers.unauthorizedHtml, challenge: 'plain' },
  unknownTag: answers.manifestUnknownQuay,
  manifests: { accept: 'downgrade', etag: 'none' },
  apiVersion: 'ping-only',
  blobs: {
    hops: [
      {
        status: 302,
        location:
          'https://cdn01.quay.io/quayio-production-s3/sha256/{two}/{hex}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature={serial}&region=us-east-1&namespace=a&repo_name=b&akamai_signature=exp=1~hmac=2',
        body: 'html',
        headers: { 'cache-control': 'max-age=31536000', 'accept-ranges': 'bytes' },
      },
    ],
    head: 'serve',
  },
  blobHost: {
    head: answers.signatureExpired,
    contentType: 'binary/octet-stream',
    acceptRanges: false,
  },
  tags: { paging: 'next-page', pageSize: 2 },
  headers: { 'x-frame-options': 'DENY', vary: 'Cookie' },
} as const satisfies Settings
