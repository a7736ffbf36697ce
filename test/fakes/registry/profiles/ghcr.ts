import { answers } from '../answer.ts'
import type { Settings } from '../behaviour.ts'

/** registries.md, section 3. The challenge of `/v2/` carries a literal placeholder. */
export const ghcr = {
  hosts: ['ghcr.io'],
  challenge: {
    ping: [
      'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"',
    ],
    repository: [
      'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:{name}:pull"',
    ],
    answer: {
      status: 401,
      contentType: 'application/json',
      body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
    },
  },
  token: {
    realm: 'https://ghcr.io/token',
    fields: ['token'],
    form: 'base64',
    anyBearer: true,
    denied: answers.denied,
    wrongCredentials: answers.denied,
  },
  unknownRepository: answers.nameUnknown,
  manifests: { etag: 'none' },
  blobs: {
    hops: [
      {
        status: 307,
        location:
          'https://pkg-containers.githubusercontent.com/ghcrblobs07/blobs/{digest}?se=2026-09-27T09%3A50%3A00Z&sig={serial}%2Bx%3D&sp=r&spr=https&sr=b&sv=2025-01-05&hmac=ab',
        body: 'empty',
      },
    ],
    head: 'redirect',
  },
  blobHost: { head: answers.signatureExpired, acceptRanges: false },
  tags: { paging: 'last-n-zero', pageSize: 2 },
  referrers: 'off-site',
  headers: { 'x-github-request-id': 'ABCD:1234' },
} as const satisfies Settings
