import { join } from 'node:path'
import { defineConfig, mergeConfig } from 'vitest/config'
import { CountReporter } from '../reporter.ts'
import packages from '../vitest.config.ts'

export default mergeConfig(
  // The packages' own source, as in the suite that needs npm alone.
  { resolve: packages.resolve },
  defineConfig({
    test: {
      root: import.meta.dirname,
      include: ['**/*.test.ts'],
      setupFiles: [join(import.meta.dirname, '../clients/setup.ts')],
      // They load the machine: one file at a time.
      fileParallelism: false,
      // Of tests that mostly wait.
      maxConcurrency: 20,
      pool: 'forks',
      testTimeout: 120_000,
      hookTimeout: 30_000,
      reporters: ['default', new CountReporter()],
    },
  }),
)
