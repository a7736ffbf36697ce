import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort, isListening } from '../port.ts'
import { startService, type Service } from '../process.ts'

/** nginx over the registry's data folder, which answers 400 to a signed URL's second Authorization. */
export async function startCdn(
  folder: string,
  storage: string,
): Promise<{ readonly port: number; readonly process: Service }> {
  const port = await findFreePort()
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configure(folder, storage, port))
  const args = ['-e', 'stderr', '-p', folder, '-c', file]
  const process = await startService('nginx (CDN)', 'nginx', args, () => isListening(port))
  return { port, process }
}

function configure(folder: string, storage: string, port: number): string {
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
    listen 127.0.0.1:${port};
    root ${storage};
    if ($http_authorization) { return 400; }
  }
}
`
}
