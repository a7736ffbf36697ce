import { defineConfig } from 'vitest/config'
import { CountReporter } from '../../reporter.ts'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.sample.ts'],
    reporters: ['default', new CountReporter()],
  },
})
