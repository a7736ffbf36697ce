import { isObject } from '../json.ts'
import { manifestTypes } from '../request/accept.ts'
import { isDigest } from '../request/reference.ts'
import type { Digest } from '../ports.ts'

/** What a manifest names (image specification, "Descriptor"). */
export interface Descriptor {
  readonly digest: Digest
  readonly mediaType: string | undefined
  readonly size: number | undefined
  /** `unknown` for an attestation that travels in an index beside the images. */
  readonly os: string | undefined
}

/** What the mirror needs to know of a manifest; its bytes stay as they are. */
export interface ParsedManifest {
  readonly mediaType: string
  /** Of an index: the manifests. */
  readonly manifests: readonly Descriptor[]
  /** Of an image: config and layers, but none that is fetched from elsewhere. */
  readonly blobs: readonly Descriptor[]
}

/** Types under which servers hide manifests; then the manifest's own word counts. */
const vagueTypes = new Set([
  '',
  'application/json',
  'application/octet-stream',
  'text/plain',
  'binary/octet-stream',
])

const [ociIndex, , ociManifest] = manifestTypes

/** Reads a manifest or an index; undefined for whatever is neither (a page, an error, schema 1). */
export function parseManifest(
  bytes: Uint8Array,
  contentType: string | null,
): ParsedManifest | undefined {
  const content = parseObject(bytes)
  if (content?.['schemaVersion'] !== 2) return undefined
  const stated = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const mediaType = vagueTypes.has(stated) ? typeByContent(content) : stated
  if (mediaType === undefined || !/^application\/[\w.+-]+$/.test(mediaType)) return undefined
  return {
    mediaType,
    manifests: descriptors(content['manifests']),
    blobs: [
      ...descriptors([content['config']]),
      ...descriptors(content['layers']),
      ...descriptors(content['blobs']),
    ],
  }
}

/** An OCI manifest may leave out its own type. */
function typeByContent(content: Record<string, unknown>): string | undefined {
  if (typeof content['mediaType'] === 'string') return content['mediaType']
  if (Array.isArray(content['manifests'])) return ociIndex
  return Array.isArray(content['layers']) ? ociManifest : undefined
}

/** More than any image or index in use; a hostile one must not make thousands of records. */
const maxDescriptors = 500

function descriptors(list: unknown): Descriptor[] {
  if (!Array.isArray(list)) return []
  const objects = list.slice(0, maxDescriptors).filter(isObject)
  return objects.flatMap(({ digest, mediaType, size, urls, platform }) => {
    // A foreign layer is fetched from its own address by the client.
    if (typeof digest !== 'string' || !isDigest(digest) || Array.isArray(urls)) return []
    return [
      {
        digest,
        mediaType: typeof mediaType === 'string' ? mediaType : undefined,
        size:
          typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
        os: isObject(platform) && typeof platform['os'] === 'string' ? platform['os'] : undefined,
      },
    ]
  })
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
