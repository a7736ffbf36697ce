import wildcardMatch from 'wildcard-match'
import type { UpstreamConfig } from './config.ts'
import { InvalidValue } from './mistakes.ts'
import { nearestWord } from './nearest-word.ts'
import { builtInRegistries, canonicalRegistryName } from './registries.ts'

/** What a pattern's first component may mean. */
export interface PatternNames {
  /** Every name of a registry to its one name. */
  readonly registries: ReadonlyMap<string, string>
  /** What is put before a name of one component, by registry. */
  readonly officialNamespaces: ReadonlyMap<string, string>
  /** The registry of patterns that name none. */
  readonly home: string | undefined
}

/** `named` are the document's upstreams, which need not be enabled to be known. */
export function toPatternNames(
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  named: readonly string[] = [],
): PatternNames {
  const known = [...builtInRegistries.flatMap(({ ownHosts }) => ownHosts), ...named]
  const registries = new Map(
    known.map((name) => [name.toLowerCase(), canonicalRegistryName(name.toLowerCase())]),
  )
  const officialNamespaces = new Map<string, string>()
  let home: string | undefined
  for (const { name, aliases, hosts, isDefault, officialNamespace } of upstreams.values()) {
    for (const word of [name, ...aliases, ...hosts]) registries.set(word, name)
    if (officialNamespace !== undefined) officialNamespaces.set(name, officialNamespace)
    if (isDefault) home = name
  }
  return { registries, officialNamespaces, home }
}

/** `nginx` to `docker.io/library/nginx`, `hub/library/*:1.*` to `docker.io/library/*:1.*`. */
export function parseImagePattern(text: string, names: PatternNames): string {
  if (names.registries.has(text.toLowerCase())) throw new InvalidValue(noImage)
  const { name, tag } = splitPattern(text)
  const [first = '', ...rest] = name.split('/')
  checkGlobs(first === '**' ? name : rest.length === 0 ? name : rest.join('/'), tag)
  if (first === '**') return format(name, tag)
  const registry = rest.length === 0 ? undefined : toRegistry(first, names)
  const home = registry ?? names.home
  if (home === undefined || (registry === undefined && /^[*?]/.test(first))) {
    throw new InvalidValue(noRegistry)
  }
  if (registry === undefined) checkGlobs(name, tag)
  const repository = registry === undefined ? name : rest.join('/')
  return format(`${home}/${complete(repository, names.officialNamespaces.get(home))}`, tag)
}

/** Of names at one upstream: `nginx` to `library/nginx` where that is what it means. */
export function parseRepositoryPattern(
  text: string,
  ownNames: readonly string[],
  officialNamespace: string | undefined,
): string {
  const { name, tag } = splitPattern(text)
  if (ownNames.includes(name.split('/')[0] ?? '')) {
    throw new InvalidValue('is over names at this registry: leave the registry out')
  }
  checkGlobs(name, tag)
  return format(complete(name, officialNamespace), tag)
}

/** A colon after the last slash begins the tag; before it, it is a registry's port. */
export function splitPattern(text: string): { name: string; tag: string | undefined } {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  if (colon < 0) return { name: text, tag: undefined }
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) }
}

export function createGlob(glob: string): (text: string) => boolean {
  return wildcardMatch(glob, '/')
}

const noImage = 'is a registry without an image: add /** for all that it has'
const noRegistry =
  "does not say of which registry: write docker.io/library/* for Docker Hub's official images, docker.io/** for all of it, ** for all of all"

function toRegistry(first: string, { registries }: PatternNames): string | undefined {
  const word = first.toLowerCase()
  const known = registries.get(word)
  if (known !== undefined) return known
  if (!/[.:]|^localhost$/.test(word)) return undefined
  if (word.length > longest || !registryGlob.test(word)) throw new InvalidValue(wrongGlob)
  const isGlob = /[*?]/.test(word)
  const matches = isGlob ? createGlob(word) : undefined
  if (matches && [...registries.values()].some(matches)) return word
  const nearest = isGlob ? undefined : nearestWord(word, [...registries.keys()])
  throw new InvalidValue(
    nearest === undefined
      ? 'begins with a registry that is not among the upstreams: add it there, or correct the name'
      : `begins with a registry that is not among the upstreams: did you mean "${nearest}"?`,
  )
}

const longest = 255
/** Each further one multiplies what matching may cost by the length of a name. */
const mostStars = 3

const plain = String.raw`a-z0-9._\-`
const globOf = (letters: string): RegExp => new RegExp(String.raw`^(?:[${letters}]|\*(?!\*)|\?)+$`)
const nameGlob = globOf(plain)
const tagGlob = globOf(`A-Z${plain}`)
const registryGlob = globOf(`:${plain}`)
const wrongGlob =
  'is not a pattern of images: write names in lower case, as registry/repository or registry/repository:tag, with * ** ?'

function checkGlobs(name: string, tag: string | undefined): void {
  if (name.length > longest || (tag ?? '').length > longest) throw new InvalidValue(wrongGlob)
  const components = name.split('/')
  if (!components.every((component) => component === '**' || isGlob(component, nameGlob))) {
    throw new InvalidValue(wrongGlob)
  }
  if (tag !== undefined && !isGlob(tag, tagGlob)) throw new InvalidValue(wrongGlob)
  const crossing = components.filter((component) => component === '**').length
  if (crossing > mostStars || [...components, tag ?? ''].some((one) => starsOf(one) > mostStars)) {
    throw new InvalidValue(`has too many stars: at most ${mostStars} in a component, and ** thrice`)
  }
}

function isGlob(component: string, pattern: RegExp): boolean {
  return pattern.test(component) && !component.includes('..')
}

function starsOf(component: string): number {
  return component === '**' ? 0 : component.split('*').length - 1
}

function format(name: string, tag: string | undefined): string {
  return tag === undefined ? name : `${name}:${tag}`
}

function complete(repository: string, officialNamespace: string | undefined): string {
  const isShort =
    officialNamespace !== undefined && !repository.includes('/') && repository !== '**'
  return isShort ? `${officialNamespace}/${repository}` : repository
}
