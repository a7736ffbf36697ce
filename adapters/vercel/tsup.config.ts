import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/node.ts', 'src/edge.ts', 'src/functions/node.ts', 'src/functions/edge.ts'],
  format: 'esm',
  target: 'es2023',
  platform: 'neutral',
  sourcemap: true,
  clean: true,
})
