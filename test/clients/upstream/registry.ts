import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort, isListening } from '../port.ts'
import { startService, type Service } from '../process.ts'
import { issuer, service } from './token.ts'

export interface RegistrySettings {
  readonly folder: string
  readonly storage: string
  readonly realm: string
  readonly certificateFile: string
  /** Where blobs are redirected to. */
  readonly cdn: string
}

export async function startRegistry(
  settings: RegistrySettings,
): Promise<{ readonly port: number; readonly process: Service }> {
  const { folder, storage, realm, certificateFile, cdn } = settings
  const port = await findFreePort()
  const file = join(folder, 'registry.yml')
  // JSON is YAML too.
  const config = {
    version: '0.1',
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage } },
    middleware: { storage: [{ name: 'redirect', options: { baseurl: cdn } }] },
    auth: { token: { realm, service, issuer, rootcertbundle: certificateFile } },
    http: { addr: `127.0.0.1:${port}`, secret: 'one-process-only' },
  }
  await writeFile(file, JSON.stringify(config))
  const process = await startService('docker-registry', 'docker-registry', ['serve', file], () =>
    isListening(port),
  )
  return { port, process }
}
