import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type Asked, forwardTo, noteRequest, openDoor } from '../clients/upstream/front.ts'
import { createGate } from '../clients/upstream/gate.ts'

export interface Scripted {
  readonly status: number
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Buffer | string
  /** Closes the connection after that many bytes of the body, whose length is announced in full. */
  readonly cutAt?: number
}

/** What happens to a request: the registry itself, a scripted answer, or none at all. */
export type Scene = 'pass' | 'hang' | Scripted

export type Play = (asked: Pick<Asked, 'kind' | 'method' | 'path'>) => Scene

/** Stands before the real registry, and answers in its place where a test says so. */
export interface Stage {
  readonly url: string
  play(play: Play): void
  /** From now on everything goes to the registry. */
  pass(): void
  /** What it was asked since the last `forget`. */
  asked(): readonly Asked[]
  forget(): void
  off(): Promise<void>
  on(): Promise<void>
}

const everythingPasses: Play = () => 'pass'

export async function startStage(port: number): Promise<Stage> {
  const asked: Asked[] = []
  let play = everythingPasses
  const forward = forwardTo('registry', port, asked, createGate())
  const door = await openDoor((request, response) => {
    const scene = play(noteRequest('registry', request))
    if (scene === 'pass') forward(request, response)
    else act(scene, request, response, asked)
  })
  return {
    url: door.url,
    play: (next) => {
      play = next
    },
    pass: () => {
      play = everythingPasses
    },
    asked: () => asked,
    forget: () => {
      asked.length = 0
    },
    off: () => door.off(),
    on: () => door.on(),
  }
}

function act(
  scene: 'hang' | Scripted,
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked[],
): void {
  const note = noteRequest('registry', request)
  asked.push(note)
  if (scene === 'hang') return
  const { status, headers = {}, body = '', cutAt } = scene
  const bytes = Buffer.from(body)
  note.status = status
  response.writeHead(status, { 'content-length': bytes.byteLength, ...headers })
  if (cutAt === undefined) response.end(request.method === 'HEAD' ? undefined : bytes)
  else response.write(bytes.subarray(0, cutAt), () => response.destroy())
}
