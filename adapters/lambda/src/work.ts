import type { Logger, Pullway } from '@pullway/core'

/** For the log, and for the platform to see the handler's end before it ends the instance. */
const reserveMs = 1_000

/** Waits for what goes on after an answer, such as a download into the cache, as long as the platform allows. */
export async function finishWithin(
  remainingMs: number,
  works: readonly Promise<unknown>[],
  mirror: Pick<Pullway, 'idle'>,
  logger: Logger,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, remainingMs - reserveMs))
  })
  const isFinished = await Promise.race([finish(works, mirror, logger), late])
  clearTimeout(timer)
  if (!isFinished) logger.warn('The time was over before all was in the cache')
}

async function finish(
  works: readonly Promise<unknown>[],
  { idle }: Pick<Pullway, 'idle'>,
  logger: Logger,
): Promise<true> {
  // By index: work may begin further work.
  for (let next = 0; next < works.length; next++) {
    await works[next]?.catch((error: unknown) => {
      logger.error('Work after an answer failed', { error: String(error) })
    })
  }
  await idle()
  return true
}
