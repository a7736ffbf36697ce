/**
 * Writes the function as Vercel's Build Output API v3 wants it (vercel.com/docs/build-output-api), so that Vercel
 * builds nothing: `node build-output.mjs [--edge] [--config pullway.yaml] [--out .vercel/output]`. An edge function
 * is one file; with `--admin-apart` the admin API stands beside it, as on Node.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'tsup'

const kit = join(import.meta.dirname, '../../deploy/vercel')

const { values } = parseArgs({
  options: {
    edge: { type: 'boolean', default: false },
    'admin-apart': { type: 'boolean', default: false },
    config: { type: 'string', default: join(kit, 'pullway.yaml') },
    out: { type: 'string', default: join(kit, '.vercel/output') },
  },
})

/** What the adapter reads (src/services.ts, src/read-config.ts). */
const usualVariables = [
  'PULLWAY_CONFIG',
  'PULLWAY_S3_ENDPOINT',
  'PULLWAY_S3_BUCKET',
  'PULLWAY_S3_REGION',
  'PULLWAY_S3_ACCESS_KEY_ID',
  'PULLWAY_S3_SECRET_ACCESS_KEY',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'KV_REST_API_URL',
  'KV_REST_API_TOKEN',
]

const out = resolve(values.out)
const document = await readFile(values.config, 'utf8')
const isAdminApart = !values.edge || values['admin-apart']
const functionFolder = join(out, 'functions/index.func')

await rm(out, { recursive: true, force: true })
await mkdir(functionFolder, { recursive: true })
await bundle(values.edge ? 'edge' : 'node', { index: ownEntry(values.edge ? 'edge' : 'node') })
if (isAdminApart)
  await bundle('node', { admin: fileURLToPath(import.meta.resolve('@pullway/core/admin/plain')) })
await writeJson(join(functionFolder, '.vc-config.json'), values.edge ? edge() : node())
await writeJson(join(out, 'config.json'), {
  version: 3,
  routes: [{ src: '/.*', dest: '/index' }],
})

/** Loaded when somebody first asks for it. */
function setUpAdminApart({ onResolve }) {
  const apart = { path: './admin.mjs', external: true }
  onResolve({ filter: /^@pullway\/core\/admin\/plain$/ }, () => apart)
}

function ownEntry(runtime) {
  return join(import.meta.dirname, `dist/functions/${runtime}.js`)
}

async function bundle(runtime, entry) {
  await build({
    config: false,
    entry,
    outDir: functionFolder,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    target: 'es2023',
    // No module of Node on either runtime: its builds of some packages want `require`, which a module has not.
    platform: 'neutral',
    // But bcryptjs on Node, which takes random numbers from there where it finds no others.
    external: runtime === 'node' ? ['crypto'] : [],
    noExternal: [/^(?!crypto$)/],
    define: { PULLWAY_DOCUMENT: JSON.stringify(document) },
    minify: true,
    esbuildPlugins: isAdminApart ? [{ name: 'admin-apart', setup: setUpAdminApart }] : [],
    esbuildOptions(options) {
      options.mainFields = ['module', 'main']
      options.conditions = ['edge-light', 'worker', 'browser']
    },
    splitting: false,
    silent: true,
  })
}

/** Without `handler`'s .mjs Node would take the bundle for CommonJS. */
function node() {
  return {
    runtime: 'nodejs24.x',
    handler: 'index.mjs',
    launcherType: 'Nodejs',
    shouldAddHelpers: false,
    supportsResponseStreaming: true,
    maxDuration: 300,
  }
}

/** The edge runtime sees only the variables that are named here; the document may name more of them. */
function edge() {
  const named = [...document.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)/g)].map(([, name]) => name)
  return {
    runtime: 'edge',
    entrypoint: 'index.mjs',
    envVarsInUse: [...new Set([...usualVariables, ...named])],
  }
}

async function writeJson(path, value) {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`)
}
