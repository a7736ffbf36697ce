import { readFile } from 'node:fs/promises'
import { defineConfig, type Options } from 'tsup'
import { describe } from './src/admin/api.ts'

/**
 * What the package yaml writes with, and its schemas that make numbers and dates of texts, are a quarter of it and
 * never run: the core reads, with the failsafe schema. Its classes hold on to them, so that no bundler lets go.
 */
const unusedYaml =
  /[\\/]yaml[\\/]browser[\\/]dist[\\/](?:visit\.js$|(?:stringify|schema[\\/](?:core|json|yaml-1\.1))[\\/])/

const common: Options = {
  format: 'esm',
  target: 'es2023',
  platform: 'neutral',
  sourcemap: true,
}

const mirror: Options = {
  ...common,
  entry: ['src/index.ts', 'src/config/index.ts'],
  // But for what is built at the same time.
  clean: ['!admin/*.js*'],
  banner: {
    js: '/*! With parts of yaml, Copyright Eemeli Aro <eemeli@gmail.com>, ISC License, and of zod, Copyright Colin McDonnell, MIT License */',
  },
  // Bundled for the sake of what is left out: test/config/built.test.ts compares the two readers of YAML, and of
  // zod's 92 files, which a start would load one by one, most are error messages in other languages.
  noExternal: ['yaml', /^zod(?:\/|$)/],
  esbuildPlugins: [
    {
      name: 'read-only-yaml',
      setup(build) {
        build.onLoad({ filter: unusedYaml }, async ({ path }) => {
          const names = /^export \{ (.+) \};$/m.exec(await readFile(path, 'utf8'))?.[1]
          if (names === undefined) throw new Error(`${path} exports in another way than it did`)
          return {
            contents: `export const ${names.split(', ').join(' = undefined, ')} = undefined`,
          }
        })
      },
    },
  ],
}

/** Apart, each with its own copy of what it has of the mirror: pieces shared with it would be loaded for every pull. */
const admin: Options = { ...common, entry: { 'admin/index': 'src/admin/index.ts' } }
const plainAdmin: Options = {
  ...common,
  entry: { 'admin/plain': 'src/admin/plain.ts' },
  define: { PULLWAY_ADMIN_DESCRIPTION: JSON.stringify(describe()) },
}

export default defineConfig([mirror, admin, plainAdmin])
