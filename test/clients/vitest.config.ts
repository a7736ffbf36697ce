import { defineConfig } from 'vitest/config'
import { CountReporter } from '../reporter.ts'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    setupFiles: ['setup.ts'],
    // Two cores, and clients that count seconds: one story at a time.
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new CountReporter()],
  },
})
