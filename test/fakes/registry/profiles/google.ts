import { answers } from '../answer.ts'
import type { Settings } from '../behaviour.ts'

const downloads =
  '/artifacts-downloads/namespaces/distroless/repositories/gcr.io/downloads/AOG{serial}_x-'

/** gcr.io, now a view of Artifact Registry: registries.md, section 5. */
export const gcr = {
  hosts: ['gcr.io'],
  challenge: {
    ping: ['Bearer realm="https://gcr.io/v2/token",service=gcr.io'],
    repository: [
      'Bearer realm="https://gcr.io/v2/token",service=gcr.io,scope="repository:{name}:pull"',
    ],
    answer: {
      status: 401,
      contentType: 'application/json',
      body: '{"errors":[{"code":"UNAUTHORIZED","message":"Unauthorized access."}]}',
    },
  },
  token: {
    realm: 'https://gcr.io/v2/token',
    fields: ['expires_in', 'issued_at', 'token'],
    lifeSeconds: 43200,
    form: 'odd',
    denied: answers.denied,
    wrongCredentials: answers.tokenErrors,
    post: answers.notFoundPage,
  },
  unknownRepository: answers.denied,
  manifests: { etag: 'none' },
  blobs: {
    hops: [
      {
        status: 302,
        location: downloads,
        body: 'errors',
        headers: { 'accept-ranges': 'none', 'x-gcr-using-artifact-registry': 'true' },
      },
    ],
    head: 'serve',
  },
  blobHost: { authorization: 'ignore', acceptRanges: false },
  tags: { extraKeys: true },
  headers: { server: 'Docker Registry', 'alt-svc': 'h3=":443"; ma=2592000' },
} as const satisfies Settings

/** An Artifact Registry host: no `service`, and 403 already at the realm. */
export const artifactRegistry = {
  ...gcr,
  hosts: ['us-docker.pkg.dev'],
  challenge: {
    ping: ['Bearer realm="https://us-docker.pkg.dev/v2/token"'],
    repository: ['Bearer realm="https://us-docker.pkg.dev/v2/token"'],
  },
  token: {
    ...gcr.token,
    realm: 'https://us-docker.pkg.dev/v2/token',
    denied: {
      status: 403,
      contentType: 'application/json',
      body: '{"errors":[{"code":"DENIED","message":"Permission \\"artifactregistry.repositories.downloadArtifacts\\" denied on resource \\"projects/a\\" (or it may not exist)"}]}',
    },
  },
} as const satisfies Settings
