import { answers } from '../answer.ts'
import type { Front, Settings } from '../behaviour.ts'

const backend = 'europe-west1-docker.pkg.dev'

const sendingOn: Front = {
  host: 'registry.k8s.io',
  status: 307,
  location: `https://${backend}/v2/k8s-artifacts-prod/images/{rest}`,
  ping: { status: 200 },
}

const front: Front = {
  ...sendingOn,
  blobLocation:
    'https://prod-registry-k8s-io-eu-central-1.s3.dualstack.eu-central-1.amazonaws.com/containers/images/{digest}',
}

/** registry.k8s.io: never a token, everything redirected to another registry (registries.md, section 6). */
export const kubernetes = {
  hosts: [backend],
  fronts: [front],
  repositoryPrefix: 'k8s-artifacts-prod/images/',
  access: 'open',
  unknownRepository: answers.nameUnknown,
  manifests: { etag: 'none' },
  blobs: {
    hops: [
      {
        status: 302,
        location:
          '/artifacts-downloads/namespaces/k8s-artifacts-prod/repositories/images/downloads/AOG{serial}',
        body: 'errors',
        headers: { 'accept-ranges': 'none' },
      },
    ],
  },
  blobHost: { acceptRanges: false },
  tags: { extraKeys: true },
  userAgents: 'any',
} as const satisfies Settings

/** registry.k8s.io where blobs go to pkg.dev too, which redirects once more, relatively. */
export const kubernetesOnGoogle = {
  ...kubernetes,
  fronts: [sendingOn],
} as const satisfies Settings

/** k8s.gcr.io sends all there is to its successor, `/v2/` included (registries.md, section 5). */
export const oldKubernetes = {
  ...kubernetes,
  fronts: [
    {
      host: 'k8s.gcr.io',
      status: 302,
      location: 'https://registry.k8s.io{path}',
      body: '<a href="registry.k8s.io">Found</a>',
    },
    front,
  ],
} as const satisfies Settings
