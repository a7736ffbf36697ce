import { answers } from './answer.ts'
import type { Behaviour, Settings } from './behaviour.ts'

export const plainBehaviour: Behaviour = {
  hosts: ['registry.test'],
  fronts: [],
  repositoryPrefix: '',
  access: 'token',
  challenge: {
    ping: ['Bearer realm="https://auth.registry.test/token",service="registry.test"'],
    repository: [
      'Bearer realm="https://auth.registry.test/token",service="registry.test",scope="repository:{name}:pull"',
    ],
    insufficient: ',error="insufficient_scope"',
    answer: {
      status: 401,
      contentType: 'application/json',
      body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}\n',
    },
  },
  ping: { status: 200, contentType: 'application/json', body: '{}' },
  bareV2: 'same',
  token: {
    realm: 'https://auth.registry.test/token',
    fields: ['token', 'access_token', 'expires_in', 'issued_at'],
    lifeSeconds: 300,
    form: 'jwt',
    anyBearer: false,
    denied: 'empty-access',
    wrongCredentials: answers.tokenDetails,
    always: undefined,
    post: 'grant',
  },
  users: {},
  unknownRepository: answers.unauthorized,
  unknownTag: answers.manifestUnknown,
  manifests: {
    accept: 'strict',
    digestHeader: 'always',
    etag: 'digest',
    headLength: true,
    gzip: 'never',
  },
  blobs: { hops: [], head: 'serve', headLength: true },
  blobHost: {
    authorization: 'refuse',
    head: 'serve',
    lifeSeconds: 600,
    acceptRanges: true,
    ranges: 'honour',
    content: 'right',
    contentLength: true,
    contentType: 'application/octet-stream',
    headers: {},
    gzip: 'never',
    userAgents: 'any',
  },
  tags: { paging: 'none', pageSize: 100, extraKeys: false, oddEntries: false },
  referrers: 'native',
  fallbackTag: 'as-pushed',
  rateLimit: undefined,
  headers: {},
  apiVersion: 'always',
  userAgents: 'any',
  search: undefined,
}

/** Lays settings over others, section by section. */
export function behaveLike(base: Behaviour, settings: Settings): Behaviour {
  return {
    ...base,
    ...settings,
    challenge: { ...base.challenge, ...settings.challenge },
    token: { ...base.token, ...settings.token },
    manifests: { ...base.manifests, ...settings.manifests },
    blobs: { ...base.blobs, ...settings.blobs },
    blobHost: { ...base.blobHost, ...settings.blobHost },
    tags: { ...base.tags, ...settings.tags },
  }
}
