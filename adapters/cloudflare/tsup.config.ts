import { fileURLToPath } from 'node:url'
import { defineConfig, type Options } from 'tsup'

const common: Options = {
  format: 'esm',
  target: 'es2023',
  platform: 'neutral',
}

const worker: Options = {
  ...common,
  entry: ['src/index.ts'],
  external: [/^cloudflare:/],
  noExternal: ['@pullway/core/admin/plain'],
  sourcemap: true,
  // But for what is built at the same time.
  clean: ['!admin.mjs'],
  esbuildPlugins: [
    {
      name: 'admin-apart',
      setup({ onResolve }) {
        const apart = { path: './admin.mjs', external: true }
        onResolve({ filter: /^@pullway\/core\/admin\/plain$/ }, () => apart)
      },
    },
  ],
}

/** Whole, as a Worker takes a module that it loads later: wrangler bundles what is loaded at the start. */
const admin: Options = {
  ...common,
  entry: { admin: fileURLToPath(import.meta.resolve('@pullway/core/admin/plain')) },
  outExtension: () => ({ js: '.mjs' }),
  noExternal: [/./],
  minify: true,
  splitting: false,
  esbuildOptions(options) {
    options.mainFields = ['module', 'main']
    options.conditions = ['worker', 'browser']
  },
}

export default defineConfig([worker, admin])
