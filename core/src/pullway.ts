import type { UsersFile } from './access/users.ts'
import { createApp, type PullwayOptions } from './app.ts'
import type { Config } from './config/config.ts'
import { createLasting } from './lasting.ts'
import type { RequestContext } from './request/context.ts'

export interface Pullway {
  fetch(request: Request, context: RequestContext): Promise<Response>
  /**
   * From the next request on, another configuration with its users. What runs goes on as it began. Throws a
   * ConfigError when the users cannot be read, and leaves all as it was.
   */
  replace(config: Config, users?: UsersFile): void
  /** Takes the file of users as it has become; a bad one is logged, and the old users stay. */
  replaceUsers(file: UsersFile): void
  /** Resolves when no download into the cache runs. */
  idle(): Promise<void>
}

/** A mirror, whose configuration may change while it runs. Stores and what else came as ports stay. */
export function createPullway({ config, users, ...options }: PullwayOptions): Pullway {
  const lasting = createLasting(options.ports.clock)
  let app = createApp({ ...options, config, users }, lasting)

  return {
    fetch: (request, context) => app.fetch(request, context),
    replace(changed, changedUsers) {
      app = createApp({ ...options, config: changed, users: changedUsers }, lasting)
    },
    replaceUsers: (file) => {
      app.replaceUsers(file)
    },
    idle: () => app.idle(),
  }
}
