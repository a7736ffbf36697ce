import { createChanges } from './changes.ts'

/** Where one client is in a download. */
export interface Place {
  readonly position: number
  moveBy(bytes: number): void
  /** Reads no more, and stays. */
  witness(): void
  leave(): void
}

/** The clients that follow one download. */
export interface Followers {
  add(position: number): Place
  count(): number
  /** The position of the client that is farthest; 0 when there is none, Infinity when none of them reads. */
  fastest(): number
  /** Resolves when one has moved, come or left. */
  changed(): Promise<void>
}

export function createFollowers(onLastLeft: () => void): Followers {
  const places = new Set<Place>()
  const witnesses = new Set<Place>()
  const changes = createChanges()
  const count = (): number => places.size + witnesses.size

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
        witness() {
          places.delete(place)
          witnesses.add(place)
          changes.announce()
        },
        leave() {
          if (!places.delete(place) && !witnesses.delete(place)) return
          if (count() === 0) onLastLeft()
          changes.announce()
        },
      }
      places.add(place)
      changes.announce()
      return place
    },
    count,
    fastest() {
      if (places.size === 0 && count() > 0) return Infinity
      return Math.max(0, ...[...places].map(({ position }) => position))
    },
    changed: () => changes.next(),
  }
}
