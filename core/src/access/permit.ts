import type { AccessRule, Config, ImagesConfig, UpstreamConfig } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import type { Digest } from '../ports.ts'
import type { Target } from '../request/parse.ts'
import { formatReference } from '../request/reference.ts'
import type { Route } from '../route.ts'
import type { Asker } from '../upstream/asker.ts'
import type { Caller } from './caller.ts'
import { allows, concerns, denies, deniesAll, toImageGlobs, type ImageGlob } from './image-globs.ts'

export interface Permit {
  /** Throws DENIED, or UNAUTHORIZED for who has not logged in where that might help. */
  check(caller: Caller, route: Route, target: Target, asker?: Asker): Promise<void> | undefined
  /** Whether something of the repository may be pulled: for the scopes of a token, and what a search shows. */
  readonly allowsScope: (caller: Caller, upstream: UpstreamConfig, repository: string) => boolean
  /** Whether a rule allows the repository to this very user, not just to everybody. */
  names(caller: Caller, route: Route): boolean
}

export interface PermitOptions {
  readonly config: Pick<Config, 'access' | 'upstreams'>
  /** What a tag means now, as the upstream says or as was remembered. */
  readonly findMeaning: (
    route: Route,
    tag: string,
    asker: Asker | undefined,
  ) => Promise<Digest | undefined>
}

/** Rules over canonical names: however a client names an image, it comes here with the route that it means. */
export function createPermit({ config, findMeaning }: PermitOptions): Permit {
  const { access } = config
  const everywhere = toImages(access.images)
  const byUpstream = new Map(
    [...config.upstreams.values()].map(({ name, images }) => [name, toImages(images)]),
  )
  const rules = access.rules.map(toRule)
  const globsOf = createGlobsOf()

  const asksNothing =
    !everywhere && rules.length === 0 && [...byUpstream.values()].every((images) => !images)

  return {
    check: (caller, route, target, asker) =>
      asksNothing && !caller.images ? undefined : check(caller, route, target, asker),
    allowsScope,
    names,
  }

  async function check(caller: Caller, route: Route, target: Target, asker?: Asker): Promise<void> {
    const { upstream, repository } = route
    const name = nameOf(upstream, repository)
    const meaning = (tag: string): Promise<Digest | undefined> => findMeaning(route, tag, asker)
    const refused = async (images: Images, text: string): Promise<boolean> =>
      (images.allow !== undefined && !allows(images.allow, text, target)) ||
      (await denies(images.deny, text, target, meaning))

    const own = byUpstream.get(upstream.name)
    if (own && (await refused(own, repository))) throw denied(name, target, own.message, 'image')
    if (everywhere && (await refused(everywhere, name))) {
      throw denied(name, target, everywhere.message, 'image')
    }
    if (caller.images && !allows(globsOf(caller.images), name, target)) {
      throw denied(name, target, 'the token that was used is not for it', 'rule')
    }
    if (rules.length === 0) return
    const isGuest = upstream.clientCredentials === 'relay'
    for (const rule of rules) {
      if (!isAbout(rule, caller)) continue
      if (rule.effect === 'allow' && allows(rule.globs, name, target)) return
      if (rule.effect === 'deny' && (await denies(rule.globs, name, target, meaning))) {
        if (isGuest) throw denied(name, target, rule.message, 'rule')
        throw refusal(caller, name, target, rule.message)
      }
    }
    // Whom no rule is about has an account at the upstream, which decides.
    if (isGuest) return
    throw refusal(caller, name, target, undefined)
  }

  function allowsScope(caller: Caller, upstream: UpstreamConfig, repository: string): boolean {
    const name = nameOf(upstream, repository)
    const served = (images: Images | undefined, text: string): boolean =>
      images === undefined ||
      ((images.allow === undefined || concerns(images.allow, text)) &&
        !deniesAll(images.deny, text))
    if (!served(byUpstream.get(upstream.name), repository) || !served(everywhere, name))
      return false
    if (caller.images && !concerns(globsOf(caller.images), name)) return false
    if (rules.length === 0) return true
    const deciding = rules.find(
      (rule) =>
        isAbout(rule, caller) &&
        (rule.effect === 'allow' ? concerns(rule.globs, name) : deniesAll(rule.globs, name)),
    )
    const otherwise = upstream.clientCredentials === 'relay' ? 'allow' : 'deny'
    return (deciding?.effect ?? otherwise) === 'allow'
  }

  function names(caller: Caller, { upstream, repository }: Route): boolean {
    const name = nameOf(upstream, repository)
    return rules.some(
      ({ effect, users, globs }) =>
        effect === 'allow' && users.has(caller.user ?? anonymous) && concerns(globs, name),
    )
  }

  /** A login helps where some user who logs in is allowed what the anonymous one is not. */
  function refusal(
    caller: Caller,
    name: string,
    target: Target,
    message: string | undefined,
  ): RegistryError {
    const isHelped =
      access.users !== undefined &&
      caller.user === undefined &&
      rules.some(
        ({ effect, users, globs }) =>
          effect === 'allow' &&
          [...users].some((user) => user !== anonymous) &&
          allows(globs, name, target),
      )
    if (!isHelped) return denied(name, target, message, 'rule')
    return new RegistryError('UNAUTHORIZED', `${name} needs a login here: ${message ?? 'log in'}`, {
      rejection: 'rule',
    })
  }
}

const anonymous = 'anonymous'

interface Images {
  readonly allow: readonly ImageGlob[] | undefined
  readonly deny: readonly ImageGlob[]
  readonly message: string | undefined
}

interface Rule extends Pick<AccessRule, 'effect' | 'message'> {
  readonly users: ReadonlySet<string>
  readonly globs: readonly ImageGlob[]
}

/** Undefined where nothing is said of images: most mirrors ask for nothing on each pull. */
function toImages({ allow, deny, message }: ImagesConfig): Images | undefined {
  if (!allow && deny.length === 0) return undefined
  return { allow: allow && toImageGlobs(allow), deny: toImageGlobs(deny), message }
}

function toRule({ users, images, effect, message }: AccessRule): Rule {
  return { users: new Set(users), globs: toImageGlobs(images), effect, message }
}

function isAbout({ users }: Rule, { user = anonymous }: Caller): boolean {
  return users.has('*') || users.has(user)
}

function nameOf({ name }: UpstreamConfig, repository: string): string {
  return `${name}/${repository}`
}

/** A service token's patterns live as long as its line among the users. */
function createGlobsOf(): (patterns: readonly string[]) => readonly ImageGlob[] {
  const known = new WeakMap<readonly string[], readonly ImageGlob[]>()
  return (patterns) => {
    const globs = known.get(patterns) ?? toImageGlobs(patterns)
    known.set(patterns, globs)
    return globs
  }
}

function denied(
  name: string,
  target: Target,
  message: string | undefined,
  rejection: string,
): RegistryError {
  const image = `${name}${formatTarget(target)}`
  const reason = message ?? "its operator's rules do not allow it"
  return new RegistryError('DENIED', `this mirror does not serve ${image}: ${reason}`, {
    rejection,
  })
}

function formatTarget(target: Target): string {
  if (target.kind !== 'manifest') return ''
  const { reference } = target
  return `${reference.type === 'tag' ? ':' : '@'}${formatReference(reference)}`
}
