import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type NetConnectOpts } from 'node:net'

/** A loopback port that is free now; for programs that cannot be told to choose one. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export function isListening(port: number): Promise<boolean> {
  return canConnect({ port, host: '127.0.0.1' })
}

export function isSocket(path: string): Promise<boolean> {
  return canConnect({ path })
}

function canConnect(address: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
