import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/**
 * Which connections wait, and which have an answer under way. Node's own closeIdleConnections takes an answer
 * for done when its last byte was written, not when it was sent, and would cut off slow clients.
 */
export interface Connections {
  begin(socket: Socket): void
  end(socket: Socket): void
  isAnswering(socket: Duplex): boolean
  /** From now on a connection ends with its answer; those that wait for a next request end at once. */
  drain(): void
  /** Ends those that have been silent since they were made. */
  closeUnused(): void
  closeAll(): void
}

export function trackConnections(server: Server): Connections {
  const all = new Set<Socket>()
  const unused = new Set<Socket>()
  const answering = new Set<Duplex>()
  let isDraining = false

  server.on('connection', (socket: Socket) => {
    all.add(socket)
    unused.add(socket)
    socket.once('close', () => {
      all.delete(socket)
      unused.delete(socket)
      answering.delete(socket)
    })
  })

  return {
    begin(socket) {
      unused.delete(socket)
      answering.add(socket)
    },
    end(socket) {
      answering.delete(socket)
      if (isDraining) socket.destroySoon()
    },
    isAnswering: (socket) => answering.has(socket),
    drain() {
      isDraining = true
      for (const socket of all) {
        if (!answering.has(socket) && !unused.has(socket)) socket.destroySoon()
      }
    },
    closeUnused() {
      for (const socket of unused) socket.destroy()
    },
    closeAll() {
      for (const socket of all) socket.destroy()
    },
  }
}
