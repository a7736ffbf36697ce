import { writeFile } from 'node:fs/promises'
import { testCertificate, testKey } from '../contract/certificate.ts'
import { makeFolder } from './folder.ts'
import { startNginx } from './nginx.ts'
import type { Service } from './process.ts'

export interface TlsProxy extends Service {
  /** As a registry's host in an image's name. */
  readonly host: string
}

/** nginx with a certificate in front of a mirror, as the documents say: it tells scheme, host and client. */
export async function startTlsProxy(target: string): Promise<TlsProxy> {
  const folder = await makeFolder('tls')
  await writeFile(`${folder.path}/tls.crt`, testCertificate)
  await writeFile(`${folder.path}/tls.key`, testKey, { mode: 0o600 })
  const nginx = await startNginx({
    name: 'TLS',
    folder: folder.path,
    listenFlags: 'ssl',
    server: `
    ssl_certificate ${folder.path}/tls.crt;
    ssl_certificate_key ${folder.path}/tls.key;
    location / {
      proxy_pass ${target};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }`,
  })
  return {
    ...nginx,
    host: `127.0.0.1:${nginx.port}`,
    stop: async () => {
      await nginx.stop()
      await folder.remove()
    },
  }
}
