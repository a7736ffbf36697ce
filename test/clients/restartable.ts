import type { Service } from './process.ts'

export interface Restartable {
  /** All that it has logged so far, before a restart too. */
  log(): string
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A service that can be started again at the same address. */
export async function startRestartable(start: () => Promise<Service>): Promise<Restartable> {
  let service = await start()
  let earlierLog = ''
  return {
    log: () => earlierLog + service.log(),
    async restart() {
      await service.stop()
      earlierLog += service.log()
      service = await start()
    },
    stop: () => service.stop(),
  }
}
