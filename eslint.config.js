import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Which packages each part of the core may use beside itself. */
const corePackages = ['hono', 'ipaddr\\.js', 'wildcard-match', 'jose', 'cockatiel']
const configPackages = [...corePackages, 'zod', 'yaml']
const adminPackages = [...corePackages, 'zod', 'chanfana']

const coreReason =
  'The core knows no runtime: beside itself it may import hono, ipaddr.js, wildcard-match, jose and cockatiel, ' +
  'zod and yaml in config/, zod and chanfana in admin/. All else comes through a port (core/src/ports.ts).'
const runtimeReason =
  "An adapter translates, it decides nothing: of ours it may import core's public entries " +
  '(@pullway/core, @pullway/core/config) and stores, never inner files or another runtime.'
const adminReason = 'The admin API is loaded by import(), when somebody first asks for it.'
const storeReason =
  'A store works over any runtime: types from @pullway/core, its libraries, no platform, no other adapter.'
const deployReason = 'What an operator copies holds no logic: it may import its adapter only.'
const portReason =
  'The core reaches time, network, logs and its settings only through ports (core/src/ports.ts).'

const runtimes = ['node', 'cloudflare', 'vercel', 'lambda', 'bun', 'deno']
const edgeRuntimes = ['cloudflare', 'vercel']
const stores = ['memory', 's3', 'redis']
/** A Lambda function is a Node process: it takes that runtime's ports as they are. */
const runtimeBelow = { lambda: ['node'] }

/** A path that leaves its package, whatever its depth. */
const otherPackageByPath = String.raw`^\.{1,2}/(?:.*/)?(?:core|adapters|deploy|test|dist)/`
const nodeBuiltin = '^node:'

/**
 * Static imports and exports by one rule, `import()` by the other: no-restricted-imports does not see it.
 * `isForStatic`: `import()` is the way to go.
 */
function importBorders(borders) {
  return {
    'no-restricted-imports': [
      'error',
      {
        patterns: borders.map(({ regex, reason, allowTypeImports = false }) => ({
          regex,
          message: reason,
          allowTypeImports,
        })),
      },
    ],
    'no-restricted-syntax': [
      'error',
      ...borders
        .filter(({ isForStatic }) => !isForStatic)
        .map(({ regex, reason }) => ({
          selector: `ImportExpression[source.value=/${regex.replaceAll('/', '\\u002F')}/u]`,
          message: reason,
        })),
    ],
  }
}

function coreBorders(packages) {
  const { 'no-restricted-syntax': dynamicImports, ...rules } = importBorders([
    { regex: `^(?!\\.{1,2}/|(?:${packages.join('|')})(?:/|$))`, reason: coreReason },
    { regex: otherPackageByPath, reason: coreReason },
  ])
  return {
    ...rules,
    'no-restricted-syntax': [
      ...dynamicImports,
      { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: portReason },
      { selector: "CallExpression[callee.name='Date']", message: portReason },
      { selector: "MetaProperty[property.name='meta']", message: portReason },
    ],
  }
}

const hiddenGlobals = [
  'process',
  'Buffer',
  'require',
  'console',
  'performance',
  'fetch',
  'caches',
  'indexedDB',
  'EventSource',
  'WebSocket',
  'XMLHttpRequest',
  'importScripts',
  'setImmediate',
  'setInterval',
  'setTimeout',
]

export default defineConfig(
  { ignores: ['**/dist/', '**/.turbo/', '**/.vercel/', '**/.wrangler/', 'data/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      // Enums are a compile error (erasableSyntaxOnly), classes are rare: two slow rules with nothing to find.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // What is allowed here and not by default: a number in a text, an arrow that hands a void on.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['**/*.{js,mjs}', '**/tsup.config.ts'],
    extends: [tseslint.configs.recommended, tseslint.configs.disableTypeChecked],
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A fake implements an asynchronous port without waiting, and asserts what it has just put there.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['core/src/**/*.ts'],
    rules: {
      ...coreBorders(corePackages),
      'no-restricted-globals': [
        'error',
        {
          globals: hiddenGlobals.map((name) => ({ name, message: portReason })),
          checkGlobalObject: true,
        },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: portReason },
        { object: 'AbortSignal', property: 'timeout', message: portReason },
      ],
    },
  },
  { files: ['core/src/config/**/*.ts'], rules: coreBorders(configPackages) },
  { files: ['core/src/admin/**/*.ts'], rules: coreBorders(adminPackages) },
  ...runtimes.map((runtime) => ({
    files: [`adapters/${runtime}/src/**/*.ts`],
    rules: importBorders([
      {
        regex: `^@pullway/(?!(?:core(?:/config|/admin(?:/plain)?)?|redis/http|${[...stores, ...(runtimeBelow[runtime] ?? [])].join('|')})$)`,
        reason: runtimeReason,
      },
      { regex: otherPackageByPath, reason: runtimeReason },
      { regex: '^@pullway/core/admin', reason: adminReason, isForStatic: true },
      ...(edgeRuntimes.includes(runtime) ? [{ regex: nodeBuiltin, reason: runtimeReason }] : []),
    ]),
  })),
  {
    files: stores.map((store) => `adapters/${store}/src/**/*.ts`),
    rules: importBorders([
      { regex: '^@pullway/core(?:/config)?$', reason: storeReason, allowTypeImports: true },
      { regex: '^@pullway/(?!core(?:/config)?$)', reason: storeReason },
      { regex: otherPackageByPath, reason: storeReason },
      { regex: nodeBuiltin, reason: storeReason },
    ]),
  },
  {
    files: ['deploy/**/*.{ts,js,mjs}'],
    rules: importBorders([
      { regex: `^@pullway/(?!(?:${runtimes.join('|')})$)`, reason: deployReason },
      { regex: otherPackageByPath, reason: deployReason },
    ]),
  },
)
