import type { KeyNote } from './key-notes.ts'
import { bandwidthPattern, requestRatePattern } from './rates.ts'

const network = {
  description: 'A network in CIDR form, or one address.',
  pattern: String.raw`^[0-9a-fA-F:.]+(/\d{1,3})?$`,
}
const image = String.raw`^[^\s@]+$`
const imagePattern = {
  description:
    'registry/repository or registry/repository:tag with * and ? within a component, ** across components.',
  pattern: image,
  examples: ['docker.io/library/*', 'ghcr.io/**', 'docker.io/library/nginx:1.19'],
}
const repositoryPattern = {
  description: 'repository or repository:tag at this registry, with *, ? and **.',
  pattern: image,
  examples: ['library/*'],
}
const wholeNumber = '^[1-9][0-9]*$'

/** Those about who may pull what, how often. */
export const accessNotes: Readonly<Record<string, KeyNote>> = {
  'upstreams.*.clientCredentials': {
    description:
      "Whose account pulls: ignore, the endpoints' one, whatever clients send; relay, each client's own at the registry.",
    default: 'ignore',
  },
  'upstreams.*.images': { description: 'Which of its images are served.' },
  'upstreams.*.images.allow': { description: 'Only these; otherwise all.' },
  'upstreams.*.images.allow[]': repositoryPattern,
  'upstreams.*.images.deny': { description: 'Not these, whatever else allows them.', default: [] },
  'upstreams.*.images.deny[]': repositoryPattern,
  'upstreams.*.images.message': { description: 'What clients are told who ask for others.' },
  access: { description: 'Who may pull what.' },
  'access.networks': { description: 'Which client addresses are let in.' },
  'access.networks.allow': { description: 'Only these; when empty, all.', default: [] },
  'access.networks.allow[]': { ...network, examples: ['10.0.0.0/8', 'fd00::/8'] },
  'access.networks.deny': { description: 'Not these, even if allowed above.', default: [] },
  'access.networks.deny[]': { ...network, examples: ['192.0.2.0/24'] },
  'access.userAgents': { description: 'Which clients are let in by the name they give.' },
  'access.userAgents.deny': { description: 'Parts of User-Agent headers.', default: [] },
  'access.userAgents.deny[]': {
    description: 'Upper and lower case are the same.',
    pattern: '.',
    examples: ['Bot'],
  },
  'access.images': { description: 'Which images are served to anybody at all.' },
  'access.images.allow': { description: 'Only these; otherwise all.' },
  'access.images.allow[]': imagePattern,
  'access.images.deny': { description: 'Not these, whatever else allows them.', default: [] },
  'access.images.deny[]': imagePattern,
  'access.images.message': { description: 'What clients are told who ask for others.' },
  'access.users': { description: 'Who may log in. Without it nobody needs to.' },
  'access.users.htpasswd': {
    description:
      'A file of htpasswd lines (bcrypt or PBKDF2), made by "pullway user add"; read again when it changes.',
    examples: ['./htpasswd'],
  },
  'access.users.entries': {
    description: 'The same lines in this document, for platforms without files.',
  },
  'access.users.entries[]': { description: 'user:hash', pattern: '^[^:]+:.' },
  'access.users.anonymous': {
    description: 'Whether who does not log in is let in, too; rules call them anonymous.',
    default: false,
  },
  'access.users.tokenKey': {
    description:
      'Signs tokens, at least 32 characters; made at the first start otherwise. Better from the environment.',
    examples: ['${PULLWAY_TOKEN_KEY}'],
  },
  'access.rules': {
    description:
      'Who may pull what of the images above: the first rule that matches decides, and none means no. Without rules, everybody everything.',
    default: [],
  },
  'access.rules[]': { description: 'Users, and the images that they may or may not pull.' },
  'access.rules[].users': { description: 'Whom the rule is about.' },
  'access.rules[].users[]': {
    description: 'A user, "*" for everybody, anonymous for who has not logged in.',
    pattern: String.raw`^[^\s:,]+$`,
  },
  'access.rules[].images': { description: 'They may pull these.' },
  'access.rules[].images[]': imagePattern,
  'access.rules[].deny': { description: 'They may not pull these; instead of images.' },
  'access.rules[].deny[]': imagePattern,
  'access.rules[].message': { description: 'What they are told, for a rule with deny.' },
  'access.admins': { description: 'Users who may administrate the mirror.', default: [] },
  'access.admins[]': { description: 'A user.', pattern: String.raw`^[^\s:,*]+$` },
  limits: {
    description:
      'How much one client may take: a user who has logged in, else an address (IPv6: its /64).',
  },
  'limits.requests': { description: 'Requests of one client; more are answered 429.' },
  'limits.requests.rate': {
    description: 'In the long run.',
    pattern: requestRatePattern.source,
    examples: ['10/s', '600/m'],
  },
  'limits.requests.burst': {
    description: 'At once, after a pause; twice the rate of a second, but at least 20.',
    pattern: wholeNumber,
    examples: ['20'],
  },
  'limits.connections': {
    description: 'Blobs that one client may be loading at the same time.',
    pattern: wholeNumber,
    examples: ['10'],
  },
  'limits.bandwidth': {
    description: 'Of blobs to one client, all of them together.',
    pattern: bandwidthPattern.source,
    examples: ['20MiB/s'],
  },
  push: { description: 'Pushing through the mirror.' },
  'push.enabled': {
    description: 'Whether pushes go through to upstreams with clientCredentials: relay.',
    default: false,
  },
}
