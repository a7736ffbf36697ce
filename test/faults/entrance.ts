import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { run } from '../clients/process.ts'

/** What stands at a port: nothing, plain HTTP, or HTTPS with a certificate that is trusted or is not. */
export type Form = 'off' | 'http' | 'https' | 'https-untrusted'

/** A port whose server can be exchanged for another. */
export interface Entrance {
  readonly port: number
  become(form: Form): Promise<void>
}

interface Pair {
  readonly key: string
  readonly cert: string
}

export interface Certificates {
  /** For NODE_EXTRA_CA_CERTS. */
  readonly trustedFile: string
  readonly trusted: Pair
  readonly untrusted: Pair
}

export async function makeCertificates(folder: string): Promise<Certificates> {
  const make = async (name: string): Promise<Pair & { readonly file: string }> => {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)]
    const subject = ['-subj', '/CN=fault', '-addext', 'subjectAltName=IP:127.0.0.1']
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    await run('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert])
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8'), file: cert }
  }
  const [trusted, untrusted] = await Promise.all([make('trusted'), make('untrusted')])
  return { trusted, untrusted, trustedFile: trusted.file }
}

export async function openEntrance(
  listener: RequestListener,
  certificates: Certificates,
  first: Form,
): Promise<Entrance> {
  let server: Server | undefined
  let port = 0

  const create = (form: Exclude<Form, 'off'>): Server => {
    if (form === 'http') return createServer(listener)
    const { trusted, untrusted } = certificates
    return createSecureServer(form === 'https' ? trusted : untrusted, listener)
  }
  const become = async (form: Form): Promise<void> => {
    const old = server
    server = undefined
    if (old) {
      const closed = once(old, 'close')
      old.close()
      old.closeAllConnections()
      await closed
    }
    if (form === 'off') return
    server = create(form)
    // A client that breaks off in the middle of its handshake is none of ours.
    server.on('tlsClientError', () => undefined)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  // Also one that is dead from the start needs a port of its own.
  await become(first === 'off' ? 'http' : first)
  if (first === 'off') await become('off')
  return {
    get port() {
      return port
    },
    become,
  }
}
