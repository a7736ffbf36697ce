import { join } from 'node:path'
import { defineConfig, mergeConfig } from 'vitest/config'
import { CountReporter } from '../reporter.ts'
import packages from '../vitest.config.ts'

const redis = join(import.meta.dirname, '../../adapters/redis/src/index.ts')

export default mergeConfig(
  // The packages' own source, as in the suite that needs npm alone.
  { resolve: packages.resolve },
  defineConfig({
    resolve: { alias: [{ find: /^@pullway\/redis$/, replacement: redis }] },
    test: {
      root: import.meta.dirname,
      include: ['**/*.test.ts'],
      setupFiles: ['../clients/setup.ts'],
      // Some stories count seconds: one file at a time.
      fileParallelism: false,
      pool: 'forks',
      testTimeout: 30_000,
      hookTimeout: 30_000,
      reporters: ['default', new CountReporter()],
    },
  }),
)
