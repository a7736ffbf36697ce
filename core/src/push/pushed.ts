import { createKeepManifest, type KeepManifestOptions } from '../cache/keep-manifest.ts'
import { parseManifest } from '../cache/manifest.ts'
import type { Tags } from '../cache/tags.ts'
import { RegistryError } from '../errors.ts'
import type { CreateHasher, Digest } from '../ports.ts'
import { algorithmOf } from '../request/reference.ts'
import { readBytes } from '../upstream/body.ts'
import { maxManifestBytes } from '../upstream/manifests.ts'
import type { PushStep } from './push.ts'

/** What a push changes of what the cache knows. */
export interface PushedManifests {
  /** The manifest that this step sends; undefined for every other step. */
  read(step: PushStep): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** After the upstream has taken the step. */
  note(step: PushStep, manifest: Uint8Array<ArrayBuffer> | undefined): Promise<void>
}

export interface PushedManifestsOptions extends KeepManifestOptions {
  readonly tags: Tags
  readonly createHasher: CreateHasher
}

/** A pushed tag is asked for anew, and a pushed manifest is here already; what was deleted is not held any more. */
export function createPushedManifests(options: PushedManifestsOptions): PushedManifests {
  const { tags, holdings, createHasher } = options
  const keep = createKeepManifest(options)

  return {
    async read({ push, body }) {
      if (push.target.kind !== 'manifest' || push.method !== 'PUT') return undefined
      const bytes = await readBytes(new Response(body), maxManifestBytes)
      if (bytes) return bytes
      throw new RegistryError('SIZE_INVALID', 'a manifest has at most 4 MiB', { status: 413 })
    },

    async note({ push, route, headers }, manifest) {
      const { target, method } = push
      if (target.kind === 'manifest') await tags.drop(route, target.reference)
      if (manifest) {
        const parsed = parseManifest(manifest, headers.get('content-type'))
        const named = target.kind === 'manifest' && target.reference
        const algorithm = named && named.type === 'digest' ? algorithmOf(named.digest) : 'sha256'
        const digest = digestOf(manifest, algorithm)
        if (parsed) await keep(route, { ...parsed, digest, bytes: manifest })
      }
      if (method === 'DELETE') await forget()

      async function forget(): Promise<void> {
        if (target.kind === 'blob') await holdings.forget(route, target.digest)
        if (target.kind === 'manifest' && target.reference.type === 'digest')
          await holdings.forget(route, target.reference.digest)
      }
    },
  }

  function digestOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha512'): Digest {
    const hasher = createHasher(algorithm)
    hasher.update(bytes)
    return `${algorithm}:${hasher.hex()}`
  }
}
