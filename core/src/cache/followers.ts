import { createChanges } from './changes.ts'

/** Where one client is in a download. */
export interface Place {
  readonly position: number
  moveBy(bytes: number): void
  leave(): void
}

/** The clients that follow one download. */
export interface Followers {
  add(position: number): Place
  count(): number
  /** The position of the client that is farthest; 0 when there is none. */
  fastest(): number
  /** Resolves when one has moved, come or left. */
  changed(): Promise<void>
}

export function createFollowers(onLastLeft: () => void): Followers {
  const places = new Set<Place>()
  const changes = createChanges()

  return {
    add(start) {
      let position = start
      const place: Place = {
        get position() {
          return position
        },
        moveBy(bytes) {
          position += bytes
          changes.announce()
        },
        leave() {
          if (!places.delete(place)) return
          if (places.size === 0) onLastLeft()
          changes.announce()
        },
      }
      places.add(place)
      changes.announce()
      return place
    },
    count: () => places.size,
    fastest: () => Math.max(0, ...[...places].map(({ position }) => position)),
    changed: () => changes.next(),
  }
}
