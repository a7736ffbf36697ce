import { readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../clients/folder.ts'
import { findFreePort } from '../clients/port.ts'
import { type Service, startService } from '../clients/process.ts'

const cli = fileURLToPath(new URL('../../adapters/node/dist/cli.js', import.meta.url))

export interface LoadMirror extends Service {
  readonly url: string
  /** MiB resident, now and at the highest since the last call of `forgetPeak`. */
  memory(): Promise<{ readonly now: number; readonly peak: number }>
  forgetPeak(): Promise<void>
}

/** As deploy/systemd/pullway.service starts it. */
const flags = ['--max-old-space-size=128']
const environment = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65536' }

export async function startLoadMirror(
  upstream: string,
  driver: 'filesystem' | 'none' = 'filesystem',
): Promise<LoadMirror> {
  const folder = await makeFolder('load')
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const config = `${folder.path}/pullway.yaml`
  const document = {
    listen: `127.0.0.1:${port}`,
    upstreams: { 'registry.test': { default: true, endpoints: [{ url: upstream }] } },
    cache: { blobs: { driver, ...(driver === 'filesystem' && { path: `${folder.path}/cache` }) } },
    log: { level: 'warn' },
  }
  await writeFile(config, JSON.stringify(document))
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    return (await answer?.text()) === 'ok\n'
  }
  const args = [...flags, cli, 'serve', '--config', config]
  const service = await startService('pullway', process.execPath, args, isReady, environment)
  const status = `/proc/${service.pid}`
  return {
    ...service,
    url,
    async memory() {
      const text = await readFile(`${status}/status`, 'utf8')
      const read = (name: string): number =>
        Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1024)
      return { now: read('VmRSS'), peak: read('VmHWM') }
    },
    forgetPeak: () => writeFile(`${status}/clear_refs`, '5'),
    stop: async () => {
      await service.stop()
      await rm(folder.path, { recursive: true })
    },
  }
}
