import { answers, buildMultiArch, type Fault, type FaultTarget } from '../fakes/registry/index.ts'

export const image = buildMultiArch({ seed: 51, layerBytes: 20_000 })
const layer = image.blobs[1]!.digest
const absent = `sha256:${'0'.repeat(64)}`
const dockerd = 'docker/20.10.24 go/go1.19.8'
export const containerd = 'containerd/1.6.20'

/** One row of clients.md, section 8. */
export interface Situation {
  readonly what: string
  readonly fault?: readonly [FaultTarget, Fault]
  readonly path: string
  readonly userAgent?: string
  readonly status: number
  readonly code: string
  readonly message?: RegExp
  readonly retryAfter?: string
}

const hub = { host: 'registry-1.docker.io' }

const down: Fault = { kind: 'no-answer', failure: 'unreachable' }

const hang: Fault = { kind: 'hang' }

function status(answer: (typeof answers)[keyof typeof answers], headers = {}): Fault {
  return { kind: 'answer', answer: { ...answer, headers } }
}

const limited = status(answers.tooManyRequests)

const manifest = 'library/alpine/manifests/latest'

export const situations: readonly Situation[] = [
  {
    what: 'tag not found',
    path: '/v2/library/alpine/manifests/absent',
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    what: 'digest not found',
    path: `/v2/library/alpine/manifests/${absent}`,
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    what: 'blob not found',
    path: `/v2/library/alpine/blobs/${absent}`,
    status: 404,
    code: 'BLOB_UNKNOWN',
  },
  {
    what: 'repository not found',
    fault: [hub, status(answers.nameUnknown)],
    path: `/v2/${manifest}`,
    status: 404,
    code: 'NAME_UNKNOWN',
  },
  {
    what: 'upstream says 401',
    path: '/v2/library/secret/manifests/latest',
    status: 403,
    code: 'DENIED',
    message: /^docker\.io refused library\/secret/,
  },
  {
    what: 'upstream says 403',
    fault: [{ ...hub, kind: 'manifest' }, status(answers.denied)],
    path: `/v2/${manifest}`,
    status: 403,
    code: 'DENIED',
    message: /docker\.io refused .*requested access to the resource is denied/,
  },
  ...(['blockPage', 'wafPage'] as const).map((name) => ({
    // Says nothing about the image, so it is trouble and no refusal.
    what: `a front turns the mirror away (${name})`,
    fault: [hub, status(answers[name])] as const,
    path: `/v2/${manifest}`,
    status: 503,
    code: 'UNAVAILABLE',
    message: /^docker\.io [^<>]*403[^<>]*$/,
  })),
  {
    what: 'registry not served, as a prefix',
    path: '/v2/registry.example.com/a/manifests/latest',
    status: 404,
    code: 'NAME_UNKNOWN',
    message: /registry\.example\.com.*docker\.io, ghcr\.io/,
  },
  {
    what: 'registry not served, before /v2/',
    path: '/registry.example.com/v2/a/manifests/latest',
    status: 404,
    code: 'NAME_UNKNOWN',
    message: /registry\.example\.com/,
  },
  {
    what: 'registry not served, as ns',
    path: '/v2/a/manifests/latest?ns=registry.example.com:5000',
    status: 404,
    code: 'NAME_UNKNOWN',
    message: /registry\.example\.com:5000/,
  },
  {
    what: 'rate limit, a client with another place to go (ns)',
    fault: [hub, limited],
    path: `/v2/${manifest}?ns=docker.io`,
    status: 429,
    code: 'TOOMANYREQUESTS',
    retryAfter: '1',
    message: /docker\.io/,
  },
  {
    what: 'rate limit, a client with another place to go (registry-mirrors)',
    fault: [hub, limited],
    path: `/v2/${manifest}`,
    userAgent: dockerd,
    status: 429,
    code: 'TOOMANYREQUESTS',
    retryAfter: '1',
  },
  {
    what: 'rate limit, no other place to go, nothing said',
    fault: [hub, limited],
    path: `/v2/docker.io/${manifest}`,
    status: 429,
    code: 'TOOMANYREQUESTS',
    retryAfter: '60',
  },
  {
    what: 'rate limit, no other place to go, 7 s said',
    fault: [hub, status(answers.tooManyRequests, { 'retry-after': '7' })],
    path: `/v2/docker.io/${manifest}`,
    status: 429,
    code: 'TOOMANYREQUESTS',
    retryAfter: '7',
  },
  {
    what: 'rate limit, no other place to go, an hour said',
    fault: [hub, status(answers.tooManyRequests, { 'retry-after': '3600' })],
    path: `/v2/docker.io/${manifest}`,
    status: 429,
    code: 'TOOMANYREQUESTS',
    retryAfter: '60',
  },
  {
    what: 'rate limit in plain words',
    fault: [hub, status(answers.tooManyRequestsText)],
    path: `/v2/${manifest}`,
    status: 429,
    code: 'TOOMANYREQUESTS',
    retryAfter: '1',
  },
  {
    what: 'rate limit with microseconds',
    fault: [hub, status(answers.tooManyRequestsMicroseconds)],
    path: `/v2/docker.io/${manifest}`,
    status: 429,
    code: 'TOOMANYREQUESTS',
  },
  {
    what: 'rate limit on a blob',
    fault: [hub, status(answers.tooMuchData)],
    path: `/v2/library/alpine/blobs/${layer}`,
    userAgent: dockerd,
    status: 429,
    code: 'TOOMANYREQUESTS',
    retryAfter: '1',
  },
  ...(['serverError', 'badGateway', 'unavailable', 'webPage'] as const).flatMap((name) => [
    {
      what: `upstream answers ${name}, manifest`,
      fault: [hub, status(answers[name])] as const,
      path: `/v2/${manifest}`,
      userAgent: dockerd,
      status: 503,
      code: 'UNAVAILABLE',
    },
  ]),
  {
    what: 'upstream down, manifest',
    fault: [hub, down],
    path: `/v2/${manifest}`,
    userAgent: dockerd,
    status: 503,
    code: 'UNAVAILABLE',
  },
  {
    what: 'upstream silent, manifest',
    fault: [hub, hang],
    path: `/v2/${manifest}`,
    userAgent: dockerd,
    status: 504,
    code: 'UNAVAILABLE',
  },
  {
    what: 'upstream says 504, manifest',
    fault: [hub, status(answers.gatewayTimeout)],
    path: `/v2/${manifest}`,
    status: 504,
    code: 'UNAVAILABLE',
  },
  {
    what: 'realm down',
    fault: [{ kind: 'token' }, down],
    path: `/v2/${manifest}`,
    status: 503,
    code: 'UNAVAILABLE',
  },
  {
    what: 'realm silent',
    fault: [{ kind: 'token' }, hang],
    path: `/v2/${manifest}`,
    status: 504,
    code: 'UNAVAILABLE',
  },
  ...(
    [
      ['down', hub, down, 503],
      ['silent', hub, hang, 504],
      ['500', hub, status(answers.serverError), 503],
      ['silent at the blob host', { kind: 'blob-host' }, hang, 504],
      ['down at the blob host', { kind: 'blob-host' }, down, 503],
      ['503 at the blob host', { kind: 'blob-host' }, status(answers.unavailable), 503],
    ] as const
  ).flatMap(([what, target, fault, others]) => [
    {
      what: `upstream ${what}, blob for dockerd`,
      fault: [target, fault] as const,
      path: `/v2/library/alpine/blobs/${layer}`,
      userAgent: dockerd,
      status: 404,
      code: 'BLOB_UNKNOWN',
    },
    {
      what: `upstream ${what}, blob for others`,
      fault: [target, fault] as const,
      path: `/v2/library/alpine/blobs/${layer}`,
      userAgent: containerd,
      status: others,
      code: 'UNAVAILABLE',
    },
  ]),
  {
    what: 'bad name',
    path: '/v2/Library/alpine/manifests/latest',
    status: 400,
    code: 'NAME_INVALID',
  },
  {
    what: 'bad tag',
    path: '/v2/library/alpine/manifests/-latest',
    status: 400,
    code: 'TAG_INVALID',
  },
  {
    what: 'bad digest',
    path: '/v2/library/alpine/blobs/sha256:abc',
    status: 400,
    code: 'DIGEST_INVALID',
  },
]
