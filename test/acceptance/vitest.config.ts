import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { CountReporter } from '../reporter.ts'
import { targetNames } from './capabilities.ts'

/** One project a target, by its name: `npm run test:acceptance -- --project node`. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    // Two cores, and answers whose seconds count: one story at a time.
    maxWorkers: 1,
    fileParallelism: false,
    reporters: ['default', new CountReporter()],
    projects: targetNames.map((target, position) => ({
      test: {
        name: target,
        root: import.meta.dirname,
        include: ['**/*.test.ts'],
        setupFiles: [join(import.meta.dirname, '../clients/setup.ts')],
        provide: { target },
        pool: 'forks' as const,
        fileParallelism: false,
        sequence: { groupOrder: position },
        testTimeout: 60_000,
        hookTimeout: 60_000,
      },
    })),
  },
})
