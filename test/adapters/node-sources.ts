/** For `node --import`: runs the packages' own source, so that a test of a process never sees an old build. */
import { registerHooks } from 'node:module'

const root = new URL('../../', import.meta.url)
const sources: Readonly<Record<string, string>> = {
  '@pullway/core': 'core/src/index.ts',
  '@pullway/core/config': 'core/src/config/index.ts',
  '@pullway/memory': 'adapters/memory/src/index.ts',
}

registerHooks({
  resolve(specifier, context, next) {
    const source = sources[specifier]
    return next(source === undefined ? specifier : new URL(source, root).href, context)
  },
})
