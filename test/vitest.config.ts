import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { CountReporter } from './reporter.ts'

const root = join(import.meta.dirname, '..')

/** The packages' own source, so that a test never sees an old build. test/repository holds the builds. */
const sources: Readonly<Record<string, string>> = {
  '@pullway/core': 'core/src/index.ts',
  '@pullway/core/config': 'core/src/config/index.ts',
  '@pullway/core/admin': 'core/src/admin/index.ts',
  '@pullway/core/admin/plain': 'core/src/admin/plain.ts',
  '@pullway/memory': 'adapters/memory/src/index.ts',
  '@pullway/node': 'adapters/node/src/index.ts',
  '@pullway/redis': 'adapters/redis/src/index.ts',
  '@pullway/redis/http': 'adapters/redis/src/http.ts',
  '@pullway/s3': 'adapters/s3/src/index.ts',
}

export default defineConfig({
  root,
  resolve: {
    alias: Object.entries(sources).map(([name, file]) => ({
      find: new RegExp(`^${name}$`),
      replacement: join(root, file),
    })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    // These need services or a quiet machine, and have commands of their own.
    exclude: ['acceptance', 'bench', 'clients', 'faults', 'platforms', 'services'].map(
      (folder) => `test/${folder}/**`,
    ),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['default', new CountReporter()],
  },
})
