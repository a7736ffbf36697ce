import { createGlob, splitPattern } from '../config/patterns.ts'
import type { Digest } from '../ports.ts'
import type { Target } from '../request/parse.ts'

/** A pattern of the configuration, over `registry/repository` or, at one upstream, `repository`. */
export interface ImageGlob {
  readonly matches: (name: string) => boolean
  /** Undefined: the pattern is about whole repositories. */
  readonly tag:
    { readonly matches: (tag: string) => boolean; readonly literal?: string } | undefined
}

/** Finds out what a tag of the repository that is asked for means now. */
export type FindMeaning = (tag: string) => Promise<Digest | undefined>

export function toImageGlobs(patterns: readonly string[]): readonly ImageGlob[] {
  return patterns.map((pattern) => {
    const { name, tag } = splitPattern(pattern)
    return { matches: createGlob(name), tag: tag === undefined ? undefined : toTagGlob(tag) }
  })
}

/** Whether a pattern allows: one with a tag allows every digest of its repositories, as a tag is pulled by digest. */
export function allows(globs: readonly ImageGlob[], name: string, target: Target): boolean {
  const tag = tagOf(target)
  return globs.some(
    (glob) => glob.matches(name) && (!glob.tag || tag === undefined || glob.tag.matches(tag)),
  )
}

/**
 * Whether a pattern denies: one with a tag denies that tag, and what it means by digest. Layers are shared between
 * tags, so only a pattern without one denies them.
 */
export async function denies(
  globs: readonly ImageGlob[],
  name: string,
  target: Target,
  findMeaning: FindMeaning,
): Promise<boolean> {
  const tag = tagOf(target)
  const digest = digestOf(target)
  for (const glob of globs) {
    if (!glob.matches(name)) continue
    if (!glob.tag || (tag !== undefined && glob.tag.matches(tag))) return true
    const { literal } = glob.tag
    if (literal === undefined || digest === undefined) continue
    if ((await findMeaning(literal)) === digest) return true
  }
  return false
}

/** Whether a pattern denies a repository with all that is in it. */
export function deniesAll(globs: readonly ImageGlob[], name: string): boolean {
  return globs.some((glob) => !glob.tag && glob.matches(name))
}

/** Whether a pattern is about a repository, or a part of it. */
export function concerns(globs: readonly ImageGlob[], name: string): boolean {
  return globs.some((glob) => glob.matches(name))
}

function toTagGlob(tag: string): NonNullable<ImageGlob['tag']> {
  const matches = createGlob(tag)
  return /[*?[{]/.test(tag) ? { matches } : { matches, literal: tag }
}

function tagOf(target: Target): string | undefined {
  const isTag = target.kind === 'manifest' && target.reference.type === 'tag'
  return isTag ? target.reference.tag : undefined
}

function digestOf(target: Target): Digest | undefined {
  if (target.kind === 'manifest') {
    return target.reference.type === 'digest' ? target.reference.digest : undefined
  }
  return target.kind === 'tags' ? undefined : target.digest
}
