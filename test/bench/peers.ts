import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nginxCommand, nginxConfig } from './nginx.ts'
import { freePort, serverCore, startServer, type Server } from './server.ts'

export const peerNames = ['pullway', 'nginx', 'docker-registry'] as const
export type PeerName = (typeof peerNames)[number]

interface Site {
  readonly folder: string
  readonly port: number
  readonly upstreamUrl: string
}

interface Peer {
  readonly configText: (site: Site) => string
  readonly command: (site: Site, configFile: string) => readonly string[]
}

export const pullwayCli: string = fileURLToPath(
  new URL('../../adapters/node/dist/cli.js', import.meta.url),
)

/** As `npm start` has it: the flag takes 12 % off a manifest hit, and V8 reads it at its start only. */
const pullwayCommand = [process.execPath, '--min-semi-space-size=3', pullwayCli, 'serve'] as const

const peers: Readonly<Record<PeerName, Peer>> = {
  pullway: {
    command: (_, configFile) => [...pullwayCommand, '--config', configFile],
    configText: ({ folder, port, upstreamUrl }) => `
listen: 127.0.0.1:${port}
upstreams:
  upstream.test:
    default: true
    endpoints:
      - url: ${upstreamUrl}
cache:
  blobs: { driver: filesystem, path: ${join(folder, 'cache')} }
  tags: { freshFor: 1h }
`,
  },
  nginx: {
    command: ({ folder }, configFile) => nginxCommand(folder, configFile),
    configText: ({ folder, port, upstreamUrl }) =>
      nginxConfig(`
  log_format peer '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$host" $upstream_cache_status $request_time';
  access_log access.log peer;
  proxy_cache_path ${join(folder, 'cache')} keys_zone=cache:10m max_size=20g use_temp_path=off;
  upstream registry { server ${new URL(upstreamUrl).host}; keepalive 32; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://registry;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_cache cache;
      proxy_cache_valid 200 1h;
      proxy_cache_lock on;
      proxy_cache_lock_timeout 60s;
      proxy_cache_lock_age 60s;
      proxy_buffer_size 64k;
      proxy_buffers 16 64k;
      proxy_busy_buffers_size 128k;
    }
  }`),
  },
  'docker-registry': {
    command: (_, configFile) => ['docker-registry', 'serve', configFile],
    configText: ({ folder, port, upstreamUrl }) => `
version: 0.1
log: { level: info }
storage:
  filesystem: { rootdirectory: ${join(folder, 'cache')} }
  cache: { blobdescriptor: inmemory }
http: { addr: '127.0.0.1:${port}' }
proxy: { remoteurl: ${upstreamUrl} }
`,
  },
}

/** Starts with an empty cache in that folder. All of them write an access log. */
export async function startPeer(
  name: PeerName,
  folder: string,
  upstreamUrl: string,
): Promise<Server> {
  const { configText, command } = peers[name]
  const site = { folder, port: await freePort(), upstreamUrl }
  mkdirSync(join(folder, 'temp'), { recursive: true })
  mkdirSync(join(folder, 'cache'))
  const configFile = join(folder, 'config')
  writeFileSync(configFile, configText(site))
  return startServer(command(site, configFile), {
    port: site.port,
    core: serverCore,
    logFile: join(folder, 'output.log'),
  })
}
