import { fileURLToPath } from 'node:url'
import { findFreePort } from '../clients/port.ts'
import { startService, type Service } from '../clients/process.ts'
import { startRestartable } from '../clients/restartable.ts'
import { buildOutput } from '../vercel/output.ts'

export interface VercelFunction {
  readonly url: string
  /** All that it has logged so far, before a restart too. */
  log(): string
  /** A new instance at the same address: with nothing but what services have kept. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const host = fileURLToPath(new URL('vercel-host.ts', import.meta.url))

/** The function as our build makes it, with that configuration bundled, in the runtime that Vercel runs it in. */
export async function startVercelFunction(
  runtime: 'node' | 'edge',
  document: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<VercelFunction> {
  const output = await buildOutput(runtime, document)
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const run = (): Promise<Service> =>
    startService(
      `vercel ${runtime} :${port}`,
      process.execPath,
      [host, runtime, output.file, String(port)],
      () => answers(url),
      environment,
    )
  const service = await startRestartable(run)
  return {
    ...service,
    url,
    stop: async () => {
      await service.stop()
      await output.remove()
    },
  }
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/healthz`).catch(() => undefined)
  await answer?.body?.cancel()
  return answer !== undefined
}
