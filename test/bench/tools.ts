import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pullwayCli, type PeerName } from './peers.ts'

/** Where to get each, for a line that tells what to do. */
const packages: Readonly<Record<string, string>> = {
  taskset: 'taskset (Debian package util-linux)',
  wrk: 'wrk (Debian package wrk)',
  nginx: 'nginx (Debian package nginx-light), which is the upstream too',
  'docker-registry': 'docker-registry (Debian package docker-registry)',
}

export function missingTools(peers: readonly PeerName[]): readonly string[] {
  const programs = ['taskset', 'wrk', 'nginx', ...peers.filter((peer) => peer in packages)]
  const missing = [...new Set(programs)].filter((program) => !isOnPath(program))
  const build =
    peers.includes('pullway') && !isFile(pullwayCli) ? ['the build (npm run build)'] : []
  return [...missing.map((program) => packages[program] ?? program), ...build]
}

function isOnPath(program: string): boolean {
  // nginx lives where only root looks.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.some((folder) => isFile(join(folder, program), constants.X_OK))
}

function isFile(path: string, mode: number = constants.R_OK): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
