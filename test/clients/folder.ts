import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Folder {
  readonly path: string
  remove(): Promise<void>
}

/** A new folder; its path is short because a unix socket's may not be long. */
export async function makeFolder(kind: string): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), `pw-${kind}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}
