import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** An /etc/hosts of a server's own, whose names come and go. */
export interface Hosts {
  readonly file: string
  /** An /etc/resolv.conf, with which other names are not found, and at once. */
  readonly resolverFile: string
  add(name: string): Promise<void>
  remove(name: string): Promise<void>
}

export async function createHosts(folder: string, ...first: readonly string[]): Promise<Hosts> {
  const file = join(folder, 'hosts')
  const resolverFile = join(folder, 'resolv.conf')
  const names = new Set(['localhost', ...first])
  let written = Promise.resolve()
  // In place: the server has this very file mounted.
  const write = (): Promise<void> => {
    const lines = [...names].map((name) => `127.0.0.1 ${name}\n`)
    written = written.then(() => writeFile(file, lines.join('')))
    return written
  }
  await write()
  await writeFile(resolverFile, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  return {
    file,
    resolverFile,
    add: (name) => (names.has(name) ? written : (names.add(name), write())),
    remove: (name) => (names.delete(name), write()),
  }
}
