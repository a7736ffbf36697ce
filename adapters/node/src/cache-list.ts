import { join } from 'node:path'
import { countNeeds } from '@pullway/core'
import { openCacheFolder } from './cache-folder.ts'
import { listImages } from './cache-images.ts'
import { ingestFolder } from './cache-layout.ts'
import { absentAsUndefined } from './file-system.ts'
import { formatSize } from './format-size.ts'
import type { ConfigFlags } from './read-config.ts'
import type { Surroundings } from './surroundings.ts'
import { formatTable } from './table.ts'

/** `pullway cache ls` */
export async function listCache(flags: ConfigFlags, surroundings: Surroundings): Promise<void> {
  const { index, records } = await openCacheFolder(flags, surroundings)
  const images = listImages(index.contents, records)
  const rows = images.map(({ name, digest, bytes, usedAt }) => [
    name,
    digest,
    formatSize(bytes),
    formatDate(usedAt),
  ])
  surroundings.stdout(formatTable([['IMAGE', 'DIGEST', 'SIZE', 'LAST USED'], ...rows]))
}

/** `pullway cache stat` */
export async function showCacheStat(flags: ConfigFlags, surroundings: Surroundings): Promise<void> {
  const { index, path, files, maxBytes, records } = await openCacheFolder(flags, surroundings)
  const contents = [...index.contents.values()]
  const manifests = contents.filter(({ names }) => names !== undefined)
  const needs = countNeeds(index.contents)
  const unneeded = [...index.contents].filter(([digest, { names }]) => !names && !needs.has(digest))
  const unfinished = (await absentAsUndefined(files.readdir(ingestFolder(path)))) ?? []
  const disk = await absentAsUndefined(files.statfs(path))
  const size = sum(contents)
  const rows = [
    ['folder', path],
    ['size', `${formatSize(size)} (${size} bytes)`],
    ['limit', maxBytes === undefined ? 'none' : describeLimit(size, maxBytes)],
    ['images', String(listImages(index.contents, records).length)],
    ['manifests', `${manifests.length}, ${formatSize(sum(manifests))}`],
    ['blobs', `${contents.length - manifests.length}, ${formatSize(size - sum(manifests))}`],
    ['unreferenced', `${unneeded.length}, ${formatSize(sum(unneeded.map(([, one]) => one)))}`],
    ['unfinished', `${unfinished.length} (downloads that run, or were broken off)`],
    ['tags', String(records.tags.length)],
    ...(disk ? [['disk free', formatSize(disk.bavail * disk.bsize)]] : []),
    ...[...index.strays].map((place) => ['does not belong here', join(place)]),
  ]
  surroundings.stdout(formatTable(rows))
}

function sum(contents: readonly { readonly size: number }[]): number {
  return contents.reduce((total, { size }) => total + size, 0)
}

function describeLimit(size: number, maxBytes: number): string {
  return `${formatSize(maxBytes)} (${Math.round((size / maxBytes) * 100)} % used)`
}

/** `2026-11-21 14:39Z` */
function formatDate(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')}Z`
}
