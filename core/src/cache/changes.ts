/** Wakes everybody who waits for the next change of something. */
export interface Changes {
  next(): Promise<void>
  announce(): void
}

export function createChanges(): Changes {
  let wake: (() => void) | undefined
  let waiting: Promise<void> | undefined
  return {
    next() {
      waiting ??= new Promise((resolve) => {
        wake = resolve
      })
      return waiting
    },
    announce() {
      wake?.()
      wake = undefined
      waiting = undefined
    },
  }
}
