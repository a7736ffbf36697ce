import type { AdminModule, UsersFile } from '@pullway/core'
import { type Config, parseConfig } from '@pullway/core/config'
import { createFakeClock } from '../fakes/clock.ts'
import { basic, drive, usersFile } from '../fakes/login-world.ts'
import { type Answered, createTestMirror, type TestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type FakeRegistry } from '../fakes/registry/index.ts'
import { play } from '../fakes/registry/play.ts'
import { dockerHub } from '../fakes/registry/profiles/docker-hub.ts'

export const image = buildImage({ seed: 141, layerBytes: 1_000 })
export const manifest = '/v2/library/alpine/manifests/latest'
export const alice = { authorization: basic('alice:alice-password') }

/** Nobody but the two registries may see these. */
export const secrets = ['hub-user-1', 'hub-password-1', 'hub-user-2', 'hub-password-2']

export interface AdminWorld {
  readonly hub: FakeRegistry
  readonly second: FakeRegistry
  readonly mirror: TestMirror
  readonly users: UsersFile
  /** The same with other settings. */
  readonly config: (settings: object) => Config
  /** How often the admin API was loaded. */
  readonly loads: () => number
  /** Moves time on while somebody who has guessed a password has to wait. */
  readonly drive: <T>(work: Promise<T>) => Promise<T>
  /** As alice, who is an administrator. */
  readonly ask: (path: string) => Promise<Answered>
}

export interface AdminWorldOptions {
  readonly admins?: readonly string[]
  readonly access?: object
  readonly settings?: object
  /** Undefined: the platform has no room for it. */
  readonly loadAdmin?: (() => Promise<AdminModule>) | undefined
}

/** Docker Hub with two accounts, a second endpoint for it, and another registry. */
export function createAdminWorld(options: AdminWorldOptions = {}): AdminWorld {
  const { admins = ['alice'], access = {}, settings = {} } = options
  const { loadAdmin } = { loadAdmin: () => import('@pullway/core/admin'), ...options }
  const clock = createFakeClock()
  const users = { 'hub-user-1': 'hub-password-1', 'hub-user-2': 'hub-password-2' }
  const hub = createFakeRegistry({ ...dockerHub, users }, { clock })
  const second = createFakeRegistry({ hosts: ['second.test'], access: 'open' }, { clock })
  hub.push('library/alpine', 'latest', image)
  second.push('library/alpine', 'latest', image)
  const document = {
    upstreams: {
      'docker.io': {
        quotaFloor: 20,
        endpoints: [
          {
            url: 'https://registry-1.docker.io',
            username: 'hub-user-1',
            password: 'hub-password-1',
            accounts: [{ username: 'hub-user-2', password: 'hub-password-2' }],
          },
          { url: 'https://second.test' },
        ],
      },
      'registry.example.com:5000': {
        aliases: ['other'],
        endpoints: [{ url: 'https://second.test/v2/a' }, { url: 'https://second.test/v2/b' }],
      },
    },
    access: {
      users: { htpasswd: './htpasswd', anonymous: true },
      rules: [{ users: ['anonymous', '*'], images: ['**'] }],
      admins,
      ...access,
    },
  }
  const textOf = (more: object): string => JSON.stringify({ ...document, ...more })
  let loads = 0
  const mirror = createTestMirror({
    fetch: play(hub, second),
    clock,
    config: textOf(settings),
    users: usersFile,
    ...(loadAdmin && {
      loadAdmin: () => {
        loads += 1
        return loadAdmin()
      },
    }),
  })
  return {
    hub,
    second,
    mirror,
    users: { file: 'htpasswd', text: usersFile },
    config: (more) => parseConfig(textOf(more), { file: 'pullway.yaml', environment: {} }),
    loads: () => loads,
    drive: (work) => drive(clock, work),
    ask: (path) => mirror.get(path, alice),
  }
}
