import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../../clients/folder.ts'
import { findFreePort } from '../../clients/port.ts'
import { startService, type Service } from '../../clients/process.ts'
import { startRestartable } from '../../clients/restartable.ts'
import type { Target } from '../target.ts'
import { isReady } from './ready.ts'

const cli = fileURLToPath(new URL('../../../adapters/node/dist/cli.js', import.meta.url))

/** `pullway serve --config FILE`, as built, with its cache in a folder. */
export const nodeTarget: Target = {
  name: 'node',
  start: async (document) => {
    const folder = await makeFolder('node')
    const port = await findFreePort()
    const url = `http://127.0.0.1:${port}`
    const configFile = `${folder.path}/pullway.yaml`
    const blobs = { driver: 'filesystem', path: `${folder.path}/cache` }
    const config = {
      ...document,
      listen: `127.0.0.1:${port}`,
      cache: { ...document.cache, blobs },
    }
    // JSON is YAML too.
    await writeFile(configFile, JSON.stringify(config))
    const run = (): Promise<Service> =>
      startService(
        `pullway :${port}`,
        process.execPath,
        [cli, 'serve', '--config', configFile],
        () => isReady(url),
      )
    const service = await startRestartable(run)
    return {
      ...service,
      url,
      stop: async () => {
        await service.stop()
        await folder.remove()
      },
    }
  },
}
