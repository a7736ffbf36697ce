import { endpointNotes } from './endpoint-notes.ts'
import { accessNotes } from './key-notes-access.ts'
import { durationPattern, sizePattern } from './units.ts'

export interface KeyNote {
  readonly description: string
  readonly pattern?: string
  readonly examples?: readonly string[]
  readonly default?: string | number | boolean | readonly string[]
}

const duration = durationPattern.source
const url = '^https?://[^/]'

/** What an editor shows for each key; `*` is a registry's name, `[]` an item of a list. */
export const keyNotes: Readonly<Record<string, KeyNote>> = {
  '': { description: 'The configuration of Pullway. Every key is optional.' },
  $schema: { description: 'The JSON Schema of this document, for editors.' },
  listen: {
    description:
      'Address and port to serve on; ":5000" means every address. PULLWAY_LISTEN replaces it, PORT its port.',
    pattern: String.raw`:\d{1,5}$`,
    examples: ['127.0.0.1:5000', '[::1]:5000', ':5000'],
    default: '127.0.0.1:5000',
  },
  publicUrl: {
    description:
      'Where clients reach this mirror, without a path. Otherwise taken from each request.',
    pattern: url,
    examples: ['https://mirror.example.com'],
  },
  trustedProxies: {
    description:
      'Networks (CIDR) of the proxies in front whose X-Forwarded-For, -Proto and -Host count.',
    default: [],
  },
  'trustedProxies[]': {
    description: 'A network in CIDR form, or one address.',
    pattern: String.raw`^[0-9a-fA-F:.]+(/\d{1,3})?$`,
    examples: ['127.0.0.1/32', '10.0.0.0/8', 'fd00::/8'],
  },
  upstreams: {
    description:
      'Registries to pull from, by name. The built-in ones stay unless "enabled: false".',
  },
  'upstreams.*': {
    description: 'A registry. One that is not built in is reached at https://<name>.',
  },
  'upstreams.*.enabled': { description: 'Whether it is served.', default: true },
  'upstreams.*.default': {
    description:
      'Whether image names without a registry mean this one; docker.io unless said otherwise.',
  },
  'upstreams.*.aliases': { description: 'Path prefixes and sub-domain labels, beside its name.' },
  'upstreams.*.aliases[]': {
    description: 'A short name: "hub" makes <mirror>/hub/library/nginx and hub.<mirror> work.',
    pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  },
  'upstreams.*.hosts': {
    description: "Host headers that mean it, beside the registry's own hosts.",
  },
  'upstreams.*.hosts[]': {
    description: 'A host name without a port.',
    pattern: String.raw`^[^\s/:@?#*]+$`,
    examples: ['docker.mirror.example.com'],
  },
  ...endpointNotes,
  'upstreams.*.blobs': {
    description:
      'How blobs get to clients: stream, through the mirror; redirect, by a link to where they are; auto, as the platform does best.',
    default: 'auto',
  },
  'upstreams.*.search': {
    description: 'Base URL of a search API (/v1/search).',
    pattern: url,
    examples: ['https://index.docker.io'],
  },
  cache: { description: 'What is kept, where, and how long.' },
  'cache.blobs': { description: 'Layers, image configurations and manifests, by digest.' },
  'cache.blobs.driver': { description: 'Where they are kept.', default: 'filesystem' },
  'cache.blobs.path': {
    description: 'The folder, for the driver filesystem. Several processes may share it.',
    default: './data',
  },
  'cache.blobs.maxSize': {
    description:
      'The limit in bytes, for the drivers filesystem (else as much as the disk has) and memory. What is used least goes first.',
    pattern: sizePattern.source,
    examples: ['50GiB', '256MiB'],
  },
  'cache.blobs.endpoint': {
    description: 'For the driver s3: the address of the service, without the bucket.',
    pattern: url,
    examples: ['https://s3.eu-central-1.amazonaws.com'],
  },
  'cache.blobs.bucket': {
    description: 'For the driver s3: the bucket. Several mirrors may share it.',
  },
  'cache.blobs.region': { description: 'For the driver s3.', default: 'us-east-1' },
  'cache.blobs.accessKeyId': { description: 'For the driver s3; better from the environment.' },
  'cache.blobs.secretAccessKey': { description: 'For the driver s3; better from the environment.' },
  'cache.blobs.prefix': { description: 'For the driver s3: put before every key.' },
  'cache.state': { description: 'Which digest a tag has, and which repository holds a blob.' },
  'cache.state.driver': {
    description:
      'filesystem survives a restart and shares the folder of the blobs; it is the default where they are on the filesystem. redis lets several mirrors share what they know.',
  },
  'cache.state.url': {
    description: 'For the driver redis: redis://, rediss://, or https:// for Redis over HTTP.',
    examples: ['redis://127.0.0.1:6379'],
  },
  'cache.state.token': { description: 'For Redis over HTTP: its token.' },
  'cache.tags': { description: 'How long what a tag means is believed.' },
  'cache.tags.freshFor': {
    description: 'For so long the upstream is not asked again.',
    pattern: duration,
    default: '60s',
  },
  'cache.tags.staleFor': {
    description: 'For so long after that the old digest is served when the upstream has trouble.',
    pattern: duration,
    default: '30d',
  },
  'cache.serveStaleOn': {
    description:
      'The troubles in which an old digest is served; not-found keeps deleted images alive.',
    default: ['rate-limited', 'server-error', 'timeout', 'unreachable'],
  },
  'cache.serveStaleOn[]': { description: 'A kind of trouble with the upstream.' },
  timeouts: { description: 'How long upstreams may take.' },
  'timeouts.connect': {
    description: 'To connect, TLS included.',
    pattern: duration,
    default: '5s',
  },
  'timeouts.firstByte': {
    description: 'From a request sent to the headers of its answer.',
    pattern: duration,
    default: '10s',
  },
  'timeouts.idle': {
    description: 'Between two pieces of a body.',
    pattern: duration,
    default: '30s',
  },
  'timeouts.answer': {
    description:
      'Until a client gets the headers of its answer, all requests upstream together; at most 14s, as clients give up after 15.',
    pattern: duration,
    default: '14s',
  },
  shutdown: { description: 'How the server stops on SIGTERM.' },
  'shutdown.drain': {
    description:
      'So long /readyz says 503 and all is still answered, until load balancers send nothing more.',
    pattern: duration,
    default: '0s',
  },
  'shutdown.finish': {
    description: 'After that no connection is taken, and running answers may take so long to end.',
    pattern: duration,
    default: '30s',
  },
  ...accessNotes,
  log: { description: 'Log lines on standard output and standard error.' },
  'log.format': {
    description:
      "Access log lines: main is nginx's format with the host, upstream and cache status; or json.",
    default: 'main',
  },
  'log.level': { description: 'The least important messages that are logged.', default: 'info' },
}
