import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findImports } from '../repository/sources.ts'
import { buildOutput, type BuildOutput } from './output.ts'

const document = `
upstreams:
  docker.io:
    endpoints:
      - url: https://registry-1.docker.io
        username: \${TEAM_USER:-}
        password: \${TEAM_TOKEN:-}
`

describe.each(['node', 'edge'] as const)('the build of the %s function', (runtime) => {
  let output: BuildOutput
  beforeAll(async () => {
    output = await buildOutput(runtime, document)
  })
  afterAll(() => output.remove())

  test('has the shape of Build Output API v3', async () => {
    const names = await readdir(output.folder, { recursive: true })
    expect(names.toSorted()).toEqual([
      'config.json',
      'functions',
      'functions/index.func',
      'functions/index.func/.vc-config.json',
      ...(runtime === 'node' ? ['functions/index.func/admin.mjs'] : []),
      'functions/index.func/index.mjs',
    ])
    expect(output.config).toEqual({ version: 3, routes: [{ src: '/.*', dest: '/index' }] })
  })

  test('holds the configuration, and names no module outside', async () => {
    expect(output.code).toContain('TEAM_TOKEN')
    const isNode = runtime === 'node'
    expect(importsOf(output.code)).toEqual(isNode ? ['crypto', './admin.mjs'] : [])
    expect(output.code).not.toMatch(/\brequire\b/)
    if (!isNode) return
    const admin = await readFile(join(dirname(output.file), 'admin.mjs'), 'utf8')
    expect(importsOf(admin)).toEqual([])
    expect(gzipSync(admin).byteLength).toBeLessThanOrEqual(350_000)
  })
})

test('the Node function streams, and takes Web requests, with the configuration of the kit', async () => {
  const output = await buildOutput('node')
  expect(output.functionConfig).toEqual({
    runtime: 'nodejs24.x',
    handler: 'index.mjs',
    launcherType: 'Nodejs',
    shouldAddHelpers: false,
    supportsResponseStreaming: true,
    maxDuration: 300,
  })
  const { default: entry } = (await import(output.file)) as {
    default: { fetch(request: Request): Promise<Response> }
  }
  expect((await entry.fetch(new Request('https://mirror.test/healthz'))).status).toBe(200)
  await output.remove()
})

test('the edge function gets its variables, those of the configuration among them', async () => {
  const output = await buildOutput('edge', document)
  const { runtime, entrypoint, envVarsInUse } = output.functionConfig as {
    runtime: string
    entrypoint: string
    envVarsInUse: readonly string[]
  }
  expect([runtime, entrypoint]).toEqual(['edge', 'index.mjs'])
  const services = await readFile(
    new URL('../../adapters/vercel/src/services.ts', import.meta.url),
    'utf8',
  )
  const read = services.match(/(?<=')(?:PULLWAY|UPSTASH|KV)_[A-Z0-9_]+(?=')/g)!
  expect(read).toHaveLength(9)
  expect(envVarsInUse).toEqual(
    expect.arrayContaining([...read, 'PULLWAY_CONFIG', 'TEAM_USER', 'TEAM_TOKEN']),
  )
  await output.remove()
})

test.each([
  ['with all that it has', [], 350_000],
  ['without the admin API', ['--admin-apart'], 150_000],
])('the edge function is small %s', async (_what, flags, mostBytes) => {
  const output = await buildOutput('edge', '', flags)
  const bytes = gzipSync(output.code, { level: 9 }).byteLength
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThanOrEqual(mostBytes)
  await output.remove()
})

function importsOf(code: string): readonly string[] {
  return findImports({ path: 'index.mjs', text: code }).map(({ name }) => name)
}
