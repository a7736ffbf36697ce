/**
 * Bundles the kit's handler into one file, the admin API into another, and zips both with the configuration for Lambda:
 * `node build-zip.mjs [--config pullway.yaml] [--out FOLDER]` writes index.mjs, admin.mjs, pullway.yaml, pullway-lambda.zip.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { zipSync } from 'fflate'
import { build } from 'tsup'

const kit = join(import.meta.dirname, '../../deploy/lambda')

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: join(kit, 'pullway.yaml') },
    out: { type: 'string', default: join(kit, 'dist') },
  },
})

const out = resolve(values.out)
const files = ['index.mjs', 'admin.mjs', 'pullway.yaml']

await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
await copyFile(values.config, join(out, 'pullway.yaml'))
const common = {
  config: false,
  outDir: out,
  outExtension: () => ({ js: '.mjs' }),
  format: 'esm',
  target: 'node24',
  platform: 'node',
  noExternal: [/./],
  // Packages that are CommonJS ask for Node's own modules by `require`, which an ES module has not.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  minify: true,
  splitting: false,
  silent: true,
}
await build({
  ...common,
  entry: { index: join(kit, 'handler.ts') },
  esbuildPlugins: [
    {
      name: 'admin-apart',
      setup({ onResolve }) {
        onResolve({ filter: /^@pullway\/core\/admin\/plain$/ }, () => ({
          path: './admin.mjs',
          external: true,
        }))
      },
    },
  ],
})
await build({
  ...common,
  entry: { admin: fileURLToPath(import.meta.resolve('@pullway/core/admin/plain')) },
})

/** Lambda runs the code as another user than its owner (Unix, mode 0644). The same sources make the same zip. */
const options = { level: 9, mtime: new Date(1980, 0, 1), os: 3, attrs: (0o100644 << 16) >>> 0 }
const contents = await Promise.all(files.map((name) => readFile(join(out, name))))
const entries = files.map((name, position) => [name, contents[position]])
await writeFile(join(out, 'pullway-lambda.zip'), zipSync(Object.fromEntries(entries), options))
