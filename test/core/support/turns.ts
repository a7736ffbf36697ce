/** Lets everything run that is ready, and what that makes ready: no time passes. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await turn()
}

const mostTurns = 20_000

/** Waits in turns, not in time, for what other work brings about. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let index = 0; index < mostTurns; index += 1) {
    if (condition()) return
    await turn()
  }
  throw new Error(`it never came that ${what}`)
}

/** Whether a promise is still pending after all that is ready has run. */
export async function isPending(work: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const settle = (): void => void (isSettled = true)
  work.then(settle, settle)
  await turns(5)
  return !isSettled
}
