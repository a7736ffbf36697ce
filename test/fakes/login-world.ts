import { createFakeClock, type FakeClock } from './clock.ts'
import { type Answered, createTestMirror, readAnswer, type TestMirrorOptions } from './mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from './registry/index.ts'

export const image = buildImage({ seed: 41, layers: 2, layerBytes: 3_000 })

/** The hash of "alice-password", and that of "bob-password". */
const aliceHash = '$2y$04$xH0zrtfot4jME2mHsOsLwOeqi9Ny4NiXUaGXhCpe5hFB4GeGQmP0u'
const bobHash = '$2b$04$q88M.xnfIPWaQaiXS/8YiupK8/ANETJWGgdKbafSoYtfan3Dp4gtW'
/** By another tool: "carol-password", 10 000 iterations. */
const carolHash =
  '$pbkdf2-sha256$i=10000$c2FsdC1vZi1jYXJvbA$1K0LdqFQO8ueUNF5ABf+P4+nM7tnu1SAiSyX4G0CR0k'

export const secret = `pwt_${'5e'.repeat(32)}`
const secretDigest = '68c1f291bdf000ad2be5d058884ab6822493066fb438012d77200aae3cdcb468'
export const hashes = { aliceHash, bobHash, carolHash, secretDigest }

export const usersFile = `# who may pull
alice:${aliceHash}
bob:${bobHash}

carol:${carolHash}
ci-bot:$token$${secretDigest}$expires=2027-02-01
`

export interface LoginWorld extends ReturnType<typeof createTestMirror> {
  readonly registry: FakeRegistry
  /** GET /token with HTTP Basic. */
  token(
    query?: string,
    login?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answered>
  /** POST /token with a form. */
  post(form: Readonly<Record<string, string>>): Promise<Answered>
  pull(headers?: Readonly<Record<string, string>>, root?: string): Promise<Answered>
}

export interface LoginWorldOptions extends Partial<TestMirrorOptions> {
  readonly settings?: string
  readonly anonymous?: boolean
}

/** A mirror that knows alice, bob, carol and the service ci-bot, before Docker Hub and ghcr.io. */
export function createLoginWorld(options: LoginWorldOptions = {}): LoginWorld {
  const { settings = '', anonymous = false, users = usersFile, ...rest } = options
  const clock = options.clock ?? createFakeClock()
  const registry = createFakeRegistry({ tags: { paging: 'last' } }, { clock })
  registry.push('library/nginx', 'latest', image)
  const config = `
access:
  users: { htpasswd: ./htpasswd, anonymous: ${String(anonymous)} }
upstreams:
  docker.io: { aliases: [hub], endpoints: [{ url: 'https://registry.test' }] }
${settings}`
  const mirror = createTestMirror({ fetch: registry.fetch, clock, config, users, ...rest })
  return {
    ...mirror,
    registry,
    drive: (work) => drive(clock, work),
    token: async (query = '', login, headers = {}) =>
      readAnswer(
        await mirror.fetch(`/token${query}`, {
          headers: { ...headers, ...(login !== undefined && { authorization: basic(login) }) },
        }),
      ),
    post: async (form) =>
      readAnswer(await mirror.fetch('/token', { method: 'POST', body: new URLSearchParams(form) })),
    pull: (headers = {}, root = '') =>
      mirror.get(`${root}/v2/library/nginx/manifests/latest`, headers),
  }
}

/** Moves time on only while somebody waits for it: passwords are compared in a time of their own. */
export async function drive<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  const progress = { isDone: false }
  const finish = (): void => void (progress.isDone = true)
  work.then(finish, finish)
  while (!progress.isDone) {
    if (clock.sleepers > 0) await clock.advance(50)
    else await new Promise((resolve) => setImmediate(resolve))
  }
  return work
}

export function basic(login: string): string {
  return `Basic ${Buffer.from(login).toString('base64')}`
}

/** What a token endpoint answered. */
export interface TokenAnswer {
  readonly token: string
  readonly access_token: string
  readonly expires_in: number
  readonly scope?: string
  readonly refresh_token?: string
  readonly issued_at?: string
}

export function tokenOf(answered: Answered): TokenAnswer {
  if (answered.status !== 200) throw new Error(`no token: ${answered.status} ${answered.text}`)
  return JSON.parse(answered.text) as TokenAnswer
}

export function bearer(answered: Answered): { readonly authorization: string } {
  return { authorization: `Bearer ${tokenOf(answered).token}` }
}

/** What a JWT says, without asking whether it is true. */
export function partsOf(token: string): { readonly header: object; readonly claims: object } {
  const [header, claims] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object)
  if (!header || !claims) throw new Error(`no JWT: ${token}`)
  return { header, claims }
}
