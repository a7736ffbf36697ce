import { defineConfig } from 'vitest/config'
import { CountReporter } from '../reporter.ts'
import packages from '../vitest.config.ts'

/** What is built for each platform, in that platform's own runtime. */
export default defineConfig({
  resolve: packages.resolve ?? {},
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    setupFiles: ['../clients/setup.ts'],
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new CountReporter()],
  },
})
