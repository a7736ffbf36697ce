import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort } from '../clients/port.ts'
import { run, startService } from '../clients/process.ts'
import { completeSettings, root } from '../cloudflare/settings.ts'

/** Files of a Worker: the first is where it starts. */
export type Modules = Readonly<Record<string, string>>

export interface BareWorker {
  readonly url: string
  /** What all threads of its process have used since its start. */
  cpuMs(): number
  stop(): Promise<void>
}

export interface BareWorkerOptions {
  readonly folder: string
  readonly modules: Modules
  readonly variables?: Readonly<Record<string, string>>
  /** Where the Cache API is kept: cache-service.ts. */
  readonly cache: string
}

/** The kit's Worker as wrangler would upload it. */
export async function bundleKit(folder: string): Promise<Modules> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'wrangler.jsonc'), completeSettings())
  const program = join(root, 'node_modules/wrangler/wrangler-dist/cli.js')
  const parameters = ['deploy', '--dry-run', '--outdir', 'out', '--cwd', folder]
  const env = { HOME: folder, CI: 'true', WRANGLER_SEND_METRICS: 'false' }
  await run(process.execPath, ['--no-warnings', program, ...parameters], { env })
  const out = join(folder, 'out')
  const names = readdirSync(out).filter((name) => /\.(?:m?js|yaml)$/.test(name))
  return Object.fromEntries(
    names
      .toSorted((one, other) => Number(other === 'worker.js') - Number(one === 'worker.js'))
      .map((name) => [name, readFileSync(join(out, name), 'utf8')]),
  )
}

/** One Worker in a process of workerd, without wrangler's own Workers around it, so that its CPU is its own. */
export async function startBareWorker({
  folder,
  modules,
  variables = {},
  cache,
}: BareWorkerOptions): Promise<BareWorker> {
  await mkdir(folder, { recursive: true })
  const port = await findFreePort()
  for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text)
  const settings = join(folder, 'worker.capnp')
  await writeFile(settings, settingsOf({ names: Object.keys(modules), variables, cache, port }))
  const url = `http://127.0.0.1:${port}`
  const program = join(root, 'node_modules/.bin/workerd')
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`${url}/v2/`).catch(() => undefined)
    await answer?.body?.cancel()
    return answer !== undefined
  }
  const service = await startService(`workerd :${port}`, program, ['serve', settings], isReady)
  return { url, cpuMs: () => cpuMsOf(service.pid), stop: () => service.stop() }
}

interface Settings {
  readonly names: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  readonly cache: string
  readonly port: number
}

/** workerd.capnp; the default for `globalOutbound` keeps a Worker away from this machine. */
function settingsOf({ names, variables, cache, port }: Settings): string {
  const modules = names.map((name) => {
    const kind = /\.m?js$/.test(name) ? 'esModule' : 'text'
    return `(name = "${name}", ${kind} = embed "${name}")`
  })
  const bindings = Object.entries(variables).map(
    ([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [${modules.join(', ')}],
      bindings = [${bindings.join(', ')}],
      compatibilityDate = "2025-11-01",
      globalOutbound = "loopback",
      cacheApiOutbound = "cache",
    )),
    (name = "cache", external = (address = "${cache}", http = ())),
    (name = "loopback", network = (allow = ["local", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`
}

/** Of Linux: nanoseconds on a CPU come first in a thread's schedstat. */
function cpuMsOf(pid: number): number {
  const threads = `/proc/${pid}/task`
  const nanoseconds = readdirSync(threads).map((thread) =>
    Number(readFileSync(join(threads, thread, 'schedstat'), 'utf8').split(' ')[0]),
  )
  return nanoseconds.reduce((sum, count) => sum + count, 0) / 1e6
}
