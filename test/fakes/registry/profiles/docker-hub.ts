import { answers } from '../answer.ts'
import type { Settings } from '../behaviour.ts'

/** registries.md, sections 1 and 2. */
export const dockerHub = {
  hosts: ['registry-1.docker.io', 'index.docker.io'],
  challenge: {
    ping: ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'],
    repository: [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:{name}:pull"',
    ],
  },
  token: { realm: 'https://auth.docker.io/token', wrongCredentials: answers.tokenDetails },
  unknownTag: answers.manifestUnknownTextDetail,
  blobs: {
    hops: [
      {
        status: 307,
        location:
          'https://production.cloudfront.docker.com/registry-v2/docker/registry/v2/blobs/sha256/{two}/{hex}/data?Expires=1791200000&Signature=AbC~{serial}__&Key-Pair-Id=K1',
        body: 'empty',
      },
    ],
    head: 'redirect',
  },
  blobHost: {
    head: answers.signatureExpired,
    headers: {
      'cache-control': 'public, max-age=14400',
      etag: '"d41d8cd98f00b204e9800998ecf8427e"',
      vary: 'Accept-Encoding',
      'cf-cache-status': 'HIT',
      'set-cookie': '__cfduid=d1; path=/; HttpOnly',
    },
  },
  tags: { paging: 'last', pageSize: 1000 },
  rateLimit: {
    limit: 100,
    windowSeconds: 3600,
    spaced: false,
    copies: true,
    source: '198.51.100.7',
    exhausted: answers.tooManyRequests,
  },
  headers: { 'strict-transport-security': 'max-age=31536000' },
  userAgents: 'products-only',
  search: { host: 'index.docker.io' },
} as const satisfies Settings
