import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { manifestType, type Content } from './content.ts'
import { nginxCommand, nginxConfig } from './nginx.ts'
import { freePort, loadCore, startServer, type Server } from './server.ts'

/** An anonymous registry: nginx over files, so that it takes as little of the load's core as can be. */
export interface Upstream extends Server {
  /** Bytes of manifests and blobs sent so far, once nothing is being sent any more. */
  settledBytes(): Promise<number>
}

const settledWithinMs = 60_000

export async function startUpstream(folder: string, content: Content): Promise<Upstream> {
  const port = await freePort()
  mkdirSync(join(folder, 'temp'), { recursive: true })
  const configFile = join(folder, 'nginx.conf')
  writeFileSync(configFile, nginxConfig(registryBlock(port, content)))
  const server = await startServer(nginxCommand(folder, configFile), {
    port,
    core: loadCore,
    logFile: join(folder, 'output.log'),
  })
  const settledBytes = async (): Promise<number> => {
    await untilIdle(server)
    return loggedBytes(join(folder, 'bytes.log'))
  }
  return { ...server, settledBytes }
}

function registryBlock(port: number, { folder, manifest }: Content): string {
  return `
  log_format bytes '$body_bytes_sent';
  access_log off;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location = /status { stub_status; }
    location = /v2/ {
      default_type application/json;
      add_header Docker-Distribution-Api-Version registry/2.0;
      return 200 '{}';
    }
    location ~ ^/v2/.+/manifests/([^/]+)$ {
      default_type ${manifestType};
      add_header Docker-Content-Digest ${manifest.digest};
      access_log bytes.log bytes;
      alias ${folder}/manifests/$1;
    }
    location ~ ^/v2/.+/blobs/([^/]+)$ {
      default_type application/octet-stream;
      add_header Docker-Content-Digest $1;
      access_log bytes.log bytes;
      alias ${folder}/blobs/$1;
    }
  }`
}

/** nginx writes its log line when an answer has ended: before that its bytes are not counted. */
async function untilIdle(server: Server): Promise<void> {
  const deadline = Date.now() + settledWithinMs
  while (Date.now() < deadline) {
    const status = await (await fetch(`${server.url}/status`)).text()
    // The question for the status counts as one that is being answered.
    if (/Reading: 0 Writing: 1 /.test(status)) return
    await sleep(20)
  }
  throw new Error(`the upstream is still sending after ${settledWithinMs / 1000} s`)
}

function loggedBytes(file: string): number {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.reduce((sum, line) => sum + Number(line), 0)
}
