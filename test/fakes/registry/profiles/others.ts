import { answers } from '../answer.ts'
import type { Settings } from '../behaviour.ts'
import { ghcr } from './ghcr.ts'

/** registries.md, section 7: no `service`, and blobs need the bearer. */
export const nvidia = {
  hosts: ['nvcr.io'],
  challenge: {
    ping: ['Bearer realm="https://nvcr.io/proxy_auth"'],
    repository: ['Bearer realm="https://nvcr.io/proxy_auth",scope="repository:{name}:pull"'],
    answer: { status: 401, contentType: 'text/html', body: '<html>401</html>' },
  },
  token: {
    realm: 'https://nvcr.io/proxy_auth',
    fields: ['token', 'expires_in'],
    lifeSeconds: 300,
    denied: answers.tokenErrors,
    wrongCredentials: answers.tokenErrors,
  },
  manifests: { accept: 'downgrade', etag: 'none' },
  blobs: {
    hops: [
      {
        status: 307,
        location:
          'https://layers.nvcr.io/registry/docker/registry/v2/blobs/sha256/{two}/{hex}/data?Signature={serial}',
        body: 'html',
      },
    ],
    head: 'redirect',
  },
  blobHost: { head: answers.signatureExpired, acceptRanges: false },
} as const satisfies Settings

/** registries.md, section 8: anonymous; the data host's path begins with `//`. */
export const microsoft = {
  hosts: ['mcr.microsoft.com'],
  access: 'open',
  unknownRepository: answers.nameUnknown,
  manifests: { accept: 'downgrade', etag: 'none' },
  blobs: {
    hops: [
      {
        status: 307,
        location:
          'https://westus2.data.mcr.microsoft.com/01031d61e1024861afee5d512651eb9f-h36fskt2ei//docker/registry/v2/blobs/sha256/{two}/{hex}/data?se=2026-09-20T15%3A21%3A00Z&sig={serial}%2F%3D&sp=r&spr=https&sr=b&sv=2016-05-31',
        body: 'html',
      },
    ],
    head: 'serve',
  },
  blobHost: { acceptRanges: false },
} as const satisfies Settings

/** registries.md, section 9: a realm that ends in a slash, one scope for all, 401 on each HEAD of a blob. */
export const ecrPublic = {
  hosts: ['public.ecr.aws'],
  challenge: {
    ping: ['Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"'],
    repository: [
      'Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"',
    ],
  },
  token: { realm: 'https://public.ecr.aws/token/', fields: ['token'] },
  unknownRepository: answers.nameUnknown,
  manifests: { digestHeader: 'head-only', etag: 'none' },
  blobs: {
    hops: [
      {
        status: 307,
        location:
          'https://d2glxqk2uabbnd.cloudfront.net/docker/registry/v2/blobs/{digest}?Signature={serial}',
        body: 'empty',
      },
    ],
    head: answers.bareUnauthorized,
  },
  blobHost: { acceptRanges: false },
  tags: { paging: 'opaque', pageSize: 2 },
} as const satisfies Settings

/** registries.md, section 12. */
export const elastic = {
  hosts: ['docker.elastic.co'],
  challenge: {
    ping: ['Bearer realm="https://docker-auth.elastic.co/auth",service="token-service"'],
    repository: [
      'Bearer realm="https://docker-auth.elastic.co/auth",service="token-service",scope="repository:{name}:pull"',
    ],
  },
  token: { realm: 'https://docker-auth.elastic.co/auth', fields: ['token'] },
  blobs: {
    hops: [
      {
        status: 307,
        location:
          'https://docker-registry-production.d24a988e385e0074d717b6bdaea58f0d.r2.cloudflarestorage.com/docker/registry/v2/blobs/sha256/{two}/{hex}/data?X-Amz-Signature={serial}',
        body: 'empty',
      },
    ],
    head: 'redirect',
  },
  blobHost: { head: answers.signatureExpired },
} as const satisfies Settings

/** registries.md, section 11: the realm on gitlab.com, 403 there for what one may not have. */
export const gitlab = {
  hosts: ['registry.gitlab.com'],
  challenge: {
    ping: ['Bearer realm="https://gitlab.com/jwt/auth",service="container_registry"'],
    repository: [
      'Bearer realm="https://gitlab.com/jwt/auth",service="container_registry",scope="repository:{name}:pull"',
    ],
    insufficient: ',error="invalid_token"',
  },
  token: {
    realm: 'https://gitlab.com/jwt/auth',
    fields: ['token'],
    lifeSeconds: 900,
    denied: answers.denied,
    wrongCredentials: answers.denied,
  },
  blobs: {
    hops: [
      {
        status: 307,
        location:
          'https://cdn.registry.gitlab-static.net/gitlab/docker/registry/v2/blobs/sha256/{two}/{hex}/data?Expires=1&KeyName=k&Signature={serial}%3D',
        body: 'empty',
      },
    ],
    head: 'redirect',
  },
  blobHost: { headers: { 'cache-control': 'private, max-age=0' } },
  referrers: 'not-found',
  fallbackTag: 'subject',
} as const satisfies Settings

/** A gateway before ghcr.io that answers with ghcr.io's own challenge: registries.md, section 13. */
export const linuxserver = {
  ...ghcr,
  hosts: ['lscr.io'],
} as const satisfies Settings

/** The same gateway as later clients saw it: it sends `/v2/` on to ghcr.io. */
export const linuxserverRedirecting = {
  ...ghcr,
  fronts: [{ host: 'lscr.io', status: 307, location: 'https://ghcr.io{path}{search}' }],
} as const satisfies Settings
