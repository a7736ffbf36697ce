import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort, isListening } from './port.ts'
import { startService, type Service } from './process.ts'

export interface Nginx extends Service {
  readonly port: number
}

export interface NginxOptions {
  /** As a failure names it. */
  readonly name: string
  /** For its files; a relative path in the configuration starts here. */
  readonly folder: string
  /** What follows the address in `listen`. */
  readonly listenFlags?: string
  /** Lines of the server's block. */
  readonly server: string
}

/** nginx with one server on a free port. */
export async function startNginx({
  name,
  folder,
  listenFlags = '',
  server,
}: NginxOptions): Promise<Nginx> {
  const port = await findFreePort()
  const file = join(folder, 'nginx.conf')
  const listen = `listen 127.0.0.1:${port} ${listenFlags};`
  await writeFile(file, configure(folder, `${listen}\n${server}`))
  const args = ['-e', 'stderr', '-p', folder, '-c', file]
  const process = await startService(`nginx (${name})`, 'nginx', args, () => isListening(port))
  return { ...process, port }
}

function configure(folder: string, server: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder};`)
    .join('\n  ')
  return `
daemon off;
user root;
worker_processes 1;
error_log stderr warn;
pid ${folder}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary}
  default_type application/octet-stream;
  sendfile on;
  server {
    ${server}
  }
}
`
}
