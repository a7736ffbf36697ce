import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { FileSystem } from '../../adapters/node/src/file-system.ts'

/** A disk in memory: what a process dies with, what a full disk refuses, and what a reader of a removed file sees. */
export interface FakeDisk {
  /** One process's view. After `kill` nothing of it comes to an end any more. */
  process(): FakeProcess
  /** All files, by path. */
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array }>
  /** Of all files, those that are open and have no name any more too. */
  usedBytes(): number
  maxBytes: number
  /** For so many operations to come, then the process that does the next one dies. */
  diesAfter: number | undefined
  /** Another error than the usual, for an operation. */
  fault: ((operation: string, path: string) => string | undefined) | undefined
  remove(folder: string): void
}

export interface FakeProcess {
  readonly files: FileSystem
  kill(): void
  readonly isDead: boolean
}

interface Node {
  bytes: Uint8Array
  length: number
  mtimeMs: number
  names: number
  opened: number
}

export function createFakeDisk(now: () => number): FakeDisk {
  const nodes = new Map<string, Node>()
  const folders = new Map<string, number>([['/', 0]])
  /** The names in each folder. */
  const lists = new Map<string, Set<string>>()
  const unnamed = new Set<Node>()
  let dates = 0

  const disk: FakeDisk = {
    maxBytes: Infinity,
    diesAfter: undefined,
    fault: undefined,
    get files() {
      return new Map(
        [...nodes].map(([path, { bytes, length }]) => [path, { bytes: bytes.subarray(0, length) }]),
      )
    },
    usedBytes: () => used(),
    remove(folder) {
      for (const path of [...nodes.keys()]) if (path.startsWith(`${folder}/`)) unlink(path)
      for (const path of [...folders.keys()]) {
        if (path !== folder && !path.startsWith(`${folder}/`)) continue
        folders.delete(path)
        lists.delete(path)
      }
      if (folders.has(dirname(folder))) changed(folder)
    },
    process: createProcess,
  }
  return disk

  function used(): number {
    return [...nodes.values(), ...unnamed].reduce((total, { length }) => total + length, 0)
  }

  function createProcess(): FakeProcess {
    let isDead = false
    const open = new Set<Node>()
    const kill = (): void => {
      isDead = true
      for (const node of open) close(node)
      open.clear()
    }

    /** One system call: it happens whole or not at all. */
    function call<T>(operation: string, path: string, work: () => T): Promise<T> {
      if (isDead) return new Promise(() => undefined)
      if (disk.diesAfter !== undefined && disk.diesAfter-- <= 0) {
        disk.diesAfter = undefined
        kill()
        return new Promise(() => undefined)
      }
      return new Promise((resolve) => {
        const code = disk.fault?.(operation, path)
        if (code !== undefined) throw failure(code, path)
        resolve(work())
      })
    }

    const files: FileSystem = {
      mkdir: (path) => call('mkdir', path, () => makeFolder(path)),
      readdir: (path) =>
        call('readdir', path, () => {
          if (!folders.has(path)) throw failure(nodes.has(path) ? 'ENOTDIR' : 'ENOENT', path)
          return [...(lists.get(path) ?? [])]
        }),
      stat: (path) =>
        call('stat', path, () => {
          const folder = folders.get(path)
          if (folder !== undefined) return { size: 0, mtimeMs: folder } as Stats
          const { length, mtimeMs } = find(path)
          return { size: length, mtimeMs } as Stats
        }),
      statfs: (path) =>
        call('statfs', path, () => ({
          blocks: disk.maxBytes === Infinity ? 0 : disk.maxBytes,
          bavail: Math.max(0, disk.maxBytes - used()),
          bsize: 1,
        })),
      readFile: (path) =>
        call('readFile', path, () => {
          const { bytes, length } = find(path)
          return new TextDecoder().decode(bytes.subarray(0, length))
        }),
      writeFile: (path, text, { flag }) =>
        call('writeFile', path, () => {
          if (flag === 'wx' && nodes.has(path)) throw failure('EEXIST', path)
          const bytes = new TextEncoder().encode(text)
          const node = nodes.get(path) ?? create(path)
          Object.assign(node, { bytes, length: bytes.byteLength, mtimeMs: now() })
        }),
      unlink: (path) => call('unlink', path, () => unlink(path)),
      link: (from, to) =>
        call('link', to, () => {
          if (nodes.has(to)) throw failure('EEXIST', to)
          const node = find(from)
          node.names += 1
          nodes.set(to, node)
          changed(to)
        }),
      rename: (from, to) =>
        call('rename', to, () => {
          const node = find(from)
          if (!folders.has(dirname(to))) throw failure('ENOENT', to)
          if (nodes.has(to)) unlink(to)
          nodes.delete(from)
          nodes.set(to, node)
          changed(from)
          changed(to)
        }),
      utimes: (path, _, modified) =>
        call('utimes', path, () => {
          find(path).mtimeMs = modified * 1000
        }),
      open: (path, flags) =>
        call('open', path, () => {
          const mode = String(flags)
          if (mode.startsWith('wx') && nodes.has(path)) throw failure('EEXIST', path)
          const node = mode.startsWith('w') ? create(path) : find(path)
          node.opened += 1
          open.add(node)
          return createHandle(node, path)
        }),
    }

    function createHandle(node: Node, path: string): FileHandle {
      let isOpen = true
      const handle = {
        stat: () => call('fstat', path, () => ({ size: node.length, mtimeMs: node.mtimeMs })),
        read: (into: Uint8Array, offset: number, length: number, position: number) =>
          call('read', path, () => {
            const bytesRead = Math.max(0, Math.min(length, node.length - position))
            into.set(node.bytes.subarray(position, position + bytesRead), offset)
            return { bytesRead, buffer: into }
          }),
        writev: (chunks: readonly Uint8Array[], position: number) =>
          call('writev', path, () => {
            const bytes = chunks.reduce((total, chunk) => total + chunk.byteLength, 0)
            if (used() + position + bytes - node.length > disk.maxBytes)
              throw failure('ENOSPC', path)
            grow(node, position + bytes)
            let at = position
            for (const chunk of chunks) {
              node.bytes.set(chunk, at)
              at += chunk.byteLength
            }
            node.mtimeMs = now()
            return { bytesWritten: bytes, buffers: chunks }
          }),
        sync: () => call('sync', path, () => undefined),
        close: () =>
          call('close', path, () => {
            if (isOpen) close(node)
            isOpen = false
            open.delete(node)
          }),
      }
      return handle as unknown as FileHandle
    }

    return {
      files,
      kill,
      get isDead() {
        return isDead
      },
    }
  }

  function find(path: string): Node {
    const node = nodes.get(path)
    if (node) return node
    throw failure('ENOENT', path)
  }

  function create(path: string): Node {
    if (!folders.has(dirname(path))) throw failure('ENOENT', path)
    const node = { bytes: new Uint8Array(0), length: 0, mtimeMs: now(), names: 1, opened: 0 }
    nodes.set(path, node)
    changed(path)
    return node
  }

  function unlink(path: string): void {
    const node = find(path)
    nodes.delete(path)
    node.names -= 1
    if (node.names === 0 && node.opened > 0) unnamed.add(node)
    changed(path)
  }

  function close(node: Node): void {
    node.opened -= 1
    if (node.opened === 0) unnamed.delete(node)
  }

  function makeFolder(path: string): void {
    if (folders.has(path)) return
    makeFolder(dirname(path))
    folders.set(path, now())
    changed(path)
  }

  /** As real ones do, a folder gets a new date for each change. */
  function changed(path: string): void {
    dates = (dates + 1) % 1000
    const folder = dirname(path)
    folders.set(folder, now() + dates / 1000)
    let list = lists.get(folder)
    if (!list) lists.set(folder, (list = new Set()))
    if (nodes.has(path) || folders.has(path)) list.add(basename(path))
    else list.delete(basename(path))
  }
}

function grow(node: Node, length: number): void {
  if (length > node.bytes.byteLength) {
    const bytes = new Uint8Array(Math.max(length, 2 * node.bytes.byteLength))
    bytes.set(node.bytes.subarray(0, node.length))
    node.bytes = bytes
  }
  node.length = Math.max(node.length, length)
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
