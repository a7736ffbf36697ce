import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '../clients/port.ts'
import { startService, type Service } from '../clients/process.ts'
import { startRestartable } from '../clients/restartable.ts'
import { completeSettings, root } from '../cloudflare/settings.ts'

export interface LocalWorker {
  readonly url: string
  /** All that it has logged so far. */
  log(): string
  /** A new process, with what R2 and KV have kept. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** The kit's Worker in workerd, with all its bindings, as `wrangler dev --local` runs it. */
export async function startWorker(
  document: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<LocalWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'pullway-workerd-'))
  // With a route, wrangler puts its host in the place of the one that was asked for.
  const settings = completeSettings({ ...variables, PULLWAY_CONFIG: document })
  await writeFile(join(folder, 'wrangler.jsonc'), settings.replace(/^ *"routes".*$/m, ''))
  const [port, inspectorPort] = [await findFreePort(), await findFreePort()]
  const url = `http://127.0.0.1:${port}`
  const service = await startRestartable(start)

  return {
    ...service,
    url,
    async stop() {
      await service.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }

  function start(): Promise<Service> {
    const parameters = [
      ...['dev', '--local', '--cwd', folder, '--persist-to', join(folder, 'kept')],
      ...['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(inspectorPort)],
    ]
    const environment = {
      HOME: folder,
      CI: 'true',
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    }
    const program = join(root, 'node_modules/wrangler/wrangler-dist/cli.js')
    const run = ['--no-warnings', program, ...parameters]
    return startService(`workerd :${port}`, process.execPath, run, () => answers(url), environment)
  }
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/healthz`).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.status === 200
}
