import type { KeyNote } from './key-notes.ts'
import { countPattern } from './units.ts'

const host = String.raw`^(\[[0-9a-fA-F:.]+\]|[^\s/:@?#*]+)(:\d{1,5})?$`
const url = '^https?://[^/]'

/** Of the keys that say where an upstream is pulled from. */
export const endpointNotes: Readonly<Record<string, KeyNote>> = {
  'upstreams.*.endpoints': {
    description:
      'Addresses to pull from, in order: on 429, 5xx, time-outs and broken connections the next one is asked.',
  },
  'upstreams.*.endpoints[]': { description: 'One address and the credentials for it.' },
  'upstreams.*.endpoints[].url': {
    description: 'https://host or https://host/prefix; /v2 is added unless the path has it.',
    pattern: url,
    examples: ['https://registry-1.docker.io'],
  },
  'upstreams.*.endpoints[].username': {
    description: 'User name; none when empty, together with the password.',
    examples: ['${HUB_USER:-}'],
  },
  'upstreams.*.endpoints[].password': {
    description: 'Password or access token. Better from the environment than in the file.',
    examples: ['${HUB_TOKEN:-}'],
  },
  'upstreams.*.endpoints[].accounts': {
    description:
      'More accounts at this endpoint: the one with most pulls left is used, and one that has none rests.',
  },
  'upstreams.*.endpoints[].accounts[]': {
    description: 'One more account; none when user name and password are empty.',
  },
  'upstreams.*.endpoints[].accounts[].username': { description: 'User name.' },
  'upstreams.*.endpoints[].accounts[].password': { description: 'Password or access token.' },
  'upstreams.*.failoverOn': {
    description:
      'What, beside trouble, makes the next endpoint be asked. not-found: where endpoints hold different images.',
    default: [],
  },
  'upstreams.*.failoverOn[]': { description: 'The only one so far: not-found.' },
  'upstreams.*.quotaFloor': {
    description:
      'With fewer pulls left of the rate limit, an old tag is served rather than a pull spent; 0: never.',
    pattern: countPattern.source,
    default: 0,
  },
  'upstreams.*.trustedHosts': {
    description:
      "More hosts that token realms and redirects may name; the only way to a private address other than an endpoint's own.",
    default: [],
  },
  'upstreams.*.trustedHosts[]': {
    description: 'host or host:port',
    pattern: host,
    examples: ['storage.internal:9000'],
  },
}
