import { writeFile } from 'node:fs/promises'
import { testCertificate, testKey } from '../contract/certificate.ts'
import { makeFolder } from './folder.ts'
import { findFreePort, isListening } from './port.ts'
import { startService, type Service } from './process.ts'

export interface TlsProxy extends Service {
  /** As a registry's host in an image's name. */
  readonly host: string
}

/** nginx with a certificate in front of a mirror, as the documents say: it tells scheme, host and client. */
export async function startTlsProxy(target: string): Promise<TlsProxy> {
  const folder = await makeFolder('tls')
  const port = await findFreePort()
  const file = `${folder.path}/nginx.conf`
  await writeFile(`${folder.path}/tls.crt`, testCertificate)
  await writeFile(`${folder.path}/tls.key`, testKey, { mode: 0o600 })
  await writeFile(file, configure(folder.path, port, target))
  const args = ['-e', 'stderr', '-p', folder.path, '-c', file]
  const process = await startService('nginx (TLS)', 'nginx', args, () => isListening(port))
  return {
    ...process,
    host: `127.0.0.1:${port}`,
    stop: async () => {
      await process.stop()
      await folder.remove()
    },
  }
}

function configure(folder: string, port: number, target: string): string {
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
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${folder}/tls.crt;
    ssl_certificate_key ${folder}/tls.key;
    location / {
      proxy_pass ${target};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }
  }
}
`
}
