/** One piece of work a key at a time; who comes while it runs gets its result. */
export interface SingleFlight<T> {
  run(key: string, work: () => Promise<T>, onJoin?: () => void): Promise<T>
}

export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>()
  return {
    run(key, work, onJoin) {
      const running = flights.get(key)
      if (running) {
        onJoin?.()
        return running
      }
      const started = work().finally(() => flights.delete(key))
      flights.set(key, started)
      return started
    },
  }
}
