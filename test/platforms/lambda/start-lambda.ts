import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../../clients/folder.ts'
import { run, startService, type Service } from '../../clients/process.ts'
import { startFunctionUrl } from './function-url.ts'
import { startRuntimeApi } from './runtime-api.ts'
import { unzip, type ZipEntry } from './unzip.ts'

export interface LambdaFunction {
  readonly url: string
  log(): string
  /** New instances behind the same address. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface LambdaOptions {
  /** Instead of the kit's pullway.yaml. */
  readonly document?: string
  readonly environment?: Readonly<Record<string, string>>
  /** How many requests it can serve at a time. */
  readonly instances?: number
}

const bootstrap = fileURLToPath(new URL('bootstrap.ts', import.meta.url))
const buildScript = fileURLToPath(
  new URL('../../../adapters/lambda/build-zip.mjs', import.meta.url),
)

let built: Promise<readonly ZipEntry[]> | undefined

/** The zip as our build makes it, unpacked. */
export function buildZip(): Promise<readonly ZipEntry[]> {
  return (built ??= build())
}

async function build(): Promise<readonly ZipEntry[]> {
  const folder = await makeFolder('zip')
  try {
    await run(process.execPath, [buildScript, '--out', folder.path])
    return unzip(await readFile(join(folder.path, 'pullway-lambda.zip')))
  } finally {
    await folder.remove()
  }
}

/** The zip's content under a local Runtime API, behind a local Function URL. */
export async function startLambda(options: LambdaOptions = {}): Promise<LambdaFunction> {
  const { document, environment = {}, instances = 1 } = options
  const folder = await makeFolder('lambda')
  for (const { name, bytes } of await buildZip()) await writeFile(join(folder.path, name), bytes)
  if (document !== undefined) await writeFile(join(folder.path, 'pullway.yaml'), document)
  const runtime = await startRuntimeApi()
  const front = await startFunctionUrl(runtime)
  let services: Service[] = []
  let earlierLog = ''
  const logOf = (): string => services.map((service) => service.log()).join('')
  const env = {
    ...environment,
    AWS_LAMBDA_RUNTIME_API: runtime.address,
    LAMBDA_TASK_ROOT: folder.path,
    AWS_REGION: 'eu-central-1',
  }
  const isReady = (): Promise<boolean> => Promise.resolve(runtime.isReady())

  async function startInstances(): Promise<void> {
    for (let number = 0; number < instances; number++) {
      const name = `lambda ${runtime.address} ${number}`
      services.push(await startService(name, process.execPath, [bootstrap], isReady, env))
    }
  }

  async function stopInstances(): Promise<void> {
    await Promise.all(services.map((service) => service.stop()))
    earlierLog += logOf()
    services = []
  }

  async function stop(): Promise<void> {
    await front.stop()
    await stopInstances()
    await runtime.stop()
    await folder.remove()
  }

  try {
    await startInstances()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url: front.url,
    log: () => earlierLog + logOf(),
    restart: async () => {
      await stopInstances()
      await startInstances()
    },
    stop,
  }
}
