import type { FileHandle } from 'node:fs/promises'

const registry = new FinalizationRegistry<FileHandle>((handle) => void handle.close())

/**
 * Closes a handle when its owner is collected. Node throws, with nobody to catch it, when it collects an open
 * handle: one stream that somebody forgot would end the process.
 */
export function closeWithOwner(owner: object, handle: FileHandle): void {
  registry.register(owner, handle, handle)
}

/** From now on somebody else closes it, or has. */
export function keepOpenWithoutOwner(handle: FileHandle): void {
  registry.unregister(handle)
}
