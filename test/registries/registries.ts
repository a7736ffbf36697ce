import type { Settings } from '../fakes/registry/index.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'
import { ghcr } from '../fakes/registry/profiles/ghcr.ts'
import { artifactRegistry, gcr } from '../fakes/registry/profiles/google.ts'
import {
  kubernetes,
  kubernetesOnGoogle,
  oldKubernetes,
} from '../fakes/registry/profiles/kubernetes.ts'
import {
  ecrPublic,
  elastic,
  gitlab,
  linuxserver,
  linuxserverRedirecting,
  microsoft,
  nvidia,
} from '../fakes/registry/profiles/others.ts'
import { quay } from '../fakes/registry/profiles/quay.ts'

/** One built-in registry (or one known form of it) and the calls that its pulls take. */
export interface RegistryRow {
  readonly what: string
  readonly settings: Settings
  /** The repository at the registry. */
  readonly repository: string
  /** What a client asks the mirror for. */
  readonly path: string
  /**
   * Where a manifest comes from, hop after hop, and where a blob does. `{reference}` is a tag or digest,
   * `{hex}` a digest's digits, `{two}` the first two, `*` whatever changes with each redirect.
   */
  readonly manifest: readonly string[]
  readonly blob: readonly string[]
  /** The realm's host and path; undefined where no token is needed. */
  readonly realm: string | undefined
  /** The `service` that the realm must be asked with; undefined: none. */
  readonly service: string | undefined
}

const pkgDev = 'europe-west1-docker.pkg.dev'

const googleDownloads = '/artifacts-downloads/namespaces'

export const registries: readonly RegistryRow[] = [
  {
    what: 'docker.io',
    settings: dockerHub,
    repository: 'library/alpine',
    path: '/v2/library/alpine',
    manifest: ['registry-1.docker.io/v2/library/alpine/manifests/{reference}'],
    blob: [
      'registry-1.docker.io/v2/library/alpine/blobs/{reference}',
      'production.cloudfront.docker.com/registry-v2/docker/registry/v2/blobs/sha256/{two}/{hex}/data',
    ],
    realm: 'auth.docker.io/token',
    service: 'registry.docker.io',
  },
  {
    what: 'ghcr.io',
    settings: ghcr,
    repository: 'oras-project/oras',
    path: '/v2/ghcr.io/oras-project/oras',
    manifest: ['ghcr.io/v2/oras-project/oras/manifests/{reference}'],
    blob: [
      'ghcr.io/v2/oras-project/oras/blobs/{reference}',
      'pkg-containers.githubusercontent.com/ghcrblobs07/blobs/{reference}',
    ],
    realm: 'ghcr.io/token',
    service: 'ghcr.io',
  },
  {
    what: 'quay.io',
    settings: quay,
    repository: 'keycloak/keycloak',
    path: '/v2/quay.io/keycloak/keycloak',
    manifest: ['quay.io/v2/keycloak/keycloak/manifests/{reference}'],
    blob: [
      'quay.io/v2/keycloak/keycloak/blobs/{reference}',
      'cdn01.quay.io/quayio-production-s3/sha256/{two}/{hex}',
    ],
    realm: 'quay.io/v2/auth',
    service: 'quay.io',
  },
  {
    what: 'gcr.io',
    settings: gcr,
    repository: 'distroless/static',
    path: '/v2/gcr.io/distroless/static',
    manifest: ['gcr.io/v2/distroless/static/manifests/{reference}'],
    blob: [
      'gcr.io/v2/distroless/static/blobs/{reference}',
      `gcr.io${googleDownloads}/distroless/repositories/gcr.io/downloads/*`,
    ],
    realm: 'gcr.io/v2/token',
    service: 'gcr.io',
  },
  {
    what: 'us-docker.pkg.dev',
    settings: artifactRegistry,
    repository: 'project/repo/image',
    path: '/v2/us-docker.pkg.dev/project/repo/image',
    manifest: ['us-docker.pkg.dev/v2/project/repo/image/manifests/{reference}'],
    blob: [
      'us-docker.pkg.dev/v2/project/repo/image/blobs/{reference}',
      `us-docker.pkg.dev${googleDownloads}/distroless/repositories/gcr.io/downloads/*`,
    ],
    realm: 'us-docker.pkg.dev/v2/token',
    service: undefined,
  },
  {
    what: 'registry.k8s.io',
    settings: kubernetes,
    repository: 'pause',
    path: '/v2/registry.k8s.io/pause',
    manifest: [
      'registry.k8s.io/v2/pause/manifests/{reference}',
      `${pkgDev}/v2/k8s-artifacts-prod/images/pause/manifests/{reference}`,
    ],
    blob: [
      'registry.k8s.io/v2/pause/blobs/{reference}',
      'prod-registry-k8s-io-eu-central-1.s3.dualstack.eu-central-1.amazonaws.com/containers/images/{reference}',
    ],
    realm: undefined,
    service: undefined,
  },
  {
    what: 'registry.k8s.io with its blobs at Google',
    settings: kubernetesOnGoogle,
    repository: 'coredns/coredns',
    path: '/v2/registry.k8s.io/coredns/coredns',
    manifest: [
      'registry.k8s.io/v2/coredns/coredns/manifests/{reference}',
      `${pkgDev}/v2/k8s-artifacts-prod/images/coredns/coredns/manifests/{reference}`,
    ],
    blob: [
      'registry.k8s.io/v2/coredns/coredns/blobs/{reference}',
      `${pkgDev}/v2/k8s-artifacts-prod/images/coredns/coredns/blobs/{reference}`,
      `${pkgDev}${googleDownloads}/k8s-artifacts-prod/repositories/images/downloads/*`,
    ],
    realm: undefined,
    service: undefined,
  },
  {
    what: 'k8s.gcr.io',
    settings: oldKubernetes,
    repository: 'pause',
    path: '/v2/k8s.gcr.io/pause',
    manifest: [
      'k8s.gcr.io/v2/pause/manifests/{reference}',
      'registry.k8s.io/v2/pause/manifests/{reference}',
      `${pkgDev}/v2/k8s-artifacts-prod/images/pause/manifests/{reference}`,
    ],
    blob: [
      'k8s.gcr.io/v2/pause/blobs/{reference}',
      'registry.k8s.io/v2/pause/blobs/{reference}',
      'prod-registry-k8s-io-eu-central-1.s3.dualstack.eu-central-1.amazonaws.com/containers/images/{reference}',
    ],
    realm: undefined,
    service: undefined,
  },
  {
    what: 'nvcr.io',
    settings: nvidia,
    repository: 'nvidia/k8s-device-plugin',
    path: '/v2/nvcr.io/nvidia/k8s-device-plugin',
    manifest: ['nvcr.io/v2/nvidia/k8s-device-plugin/manifests/{reference}'],
    blob: [
      'nvcr.io/v2/nvidia/k8s-device-plugin/blobs/{reference}',
      'layers.nvcr.io/registry/docker/registry/v2/blobs/sha256/{two}/{hex}/data',
    ],
    realm: 'nvcr.io/proxy_auth',
    service: undefined,
  },
  {
    what: 'mcr.microsoft.com',
    settings: microsoft,
    repository: 'dotnet/runtime',
    path: '/v2/mcr.microsoft.com/dotnet/runtime',
    manifest: ['mcr.microsoft.com/v2/dotnet/runtime/manifests/{reference}'],
    blob: [
      'mcr.microsoft.com/v2/dotnet/runtime/blobs/{reference}',
      'westus2.data.mcr.microsoft.com/01031d61e1024861afee5d512651eb9f-h36fskt2ei//docker/registry/v2/blobs/sha256/{two}/{hex}/data',
    ],
    realm: undefined,
    service: undefined,
  },
  {
    what: 'public.ecr.aws',
    settings: ecrPublic,
    repository: 'nginx/nginx',
    path: '/v2/public.ecr.aws/nginx/nginx',
    manifest: ['public.ecr.aws/v2/nginx/nginx/manifests/{reference}'],
    blob: [
      'public.ecr.aws/v2/nginx/nginx/blobs/{reference}',
      'd2glxqk2uabbnd.cloudfront.net/docker/registry/v2/blobs/{reference}',
    ],
    realm: 'public.ecr.aws/token/',
    service: 'public.ecr.aws',
  },
  {
    what: 'docker.elastic.co',
    settings: elastic,
    repository: 'integrations/crawler',
    path: '/v2/docker.elastic.co/integrations/crawler',
    manifest: ['docker.elastic.co/v2/integrations/crawler/manifests/{reference}'],
    blob: [
      'docker.elastic.co/v2/integrations/crawler/blobs/{reference}',
      'docker-registry-production.d24a988e385e0074d717b6bdaea58f0d.r2.cloudflarestorage.com/docker/registry/v2/blobs/sha256/{two}/{hex}/data',
    ],
    realm: 'docker-auth.elastic.co/auth',
    service: 'token-service',
  },
  {
    what: 'registry.gitlab.com',
    settings: gitlab,
    repository: 'group/project/image',
    path: '/v2/registry.gitlab.com/group/project/image',
    manifest: ['registry.gitlab.com/v2/group/project/image/manifests/{reference}'],
    blob: [
      'registry.gitlab.com/v2/group/project/image/blobs/{reference}',
      'cdn.registry.gitlab-static.net/gitlab/docker/registry/v2/blobs/sha256/{two}/{hex}/data',
    ],
    realm: 'gitlab.com/jwt/auth',
    service: 'container_registry',
  },
  {
    what: 'lscr.io',
    settings: linuxserver,
    repository: 'linuxserver/radarr',
    path: '/v2/lscr.io/linuxserver/radarr',
    manifest: ['lscr.io/v2/linuxserver/radarr/manifests/{reference}'],
    blob: [
      'lscr.io/v2/linuxserver/radarr/blobs/{reference}',
      'pkg-containers.githubusercontent.com/ghcrblobs07/blobs/{reference}',
    ],
    realm: 'ghcr.io/token',
    service: 'ghcr.io',
  },
  {
    what: 'lscr.io that sends on to ghcr.io',
    settings: linuxserverRedirecting,
    repository: 'linuxserver/radarr',
    path: '/v2/lscr.io/linuxserver/radarr',
    manifest: [
      'lscr.io/v2/linuxserver/radarr/manifests/{reference}',
      'ghcr.io/v2/linuxserver/radarr/manifests/{reference}',
    ],
    blob: [
      'lscr.io/v2/linuxserver/radarr/blobs/{reference}',
      'ghcr.io/v2/linuxserver/radarr/blobs/{reference}',
      'pkg-containers.githubusercontent.com/ghcrblobs07/blobs/{reference}',
    ],
    realm: 'ghcr.io/token',
    service: 'ghcr.io',
  },
]

/** pkg.dev hosts are many, so none is built in; an operator names his. */
export const config = 'upstreams: { us-docker.pkg.dev: {} }'

/** The calls of one request: `contact` is the first ever, which meets the challenge. */
export function linesOf(
  row: RegistryRow,
  method: string,
  reference: string,
  hops: readonly string[],
  isContact: boolean,
): string[] {
  const hex = reference.split(':')[1] ?? ''
  const lines = hops.map((hop) =>
    `${method} ${hop}`
      .replaceAll('{reference}', reference)
      .replaceAll('{hex}', hex)
      .replaceAll('{two}', hex.slice(0, 2)),
  )
  const last = lines.at(-1)
  if (!isContact || row.realm === undefined || last === undefined) return lines
  return [...lines, `GET ${row.realm}`, last]
}

/** Lines as they came, with the part that changes by redirect replaced. */
export function withoutSerials(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/\/AOG\d+(_x-)?$/, '/*'))
}
