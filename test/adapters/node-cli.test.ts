import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { version } from '@pullway/core'
import { readConfig } from '../../adapters/node/src/read-config.ts'
import { makeFolder, runInside, startCli, urlOf, type Folder } from './node-process.ts'

let folder: Folder
let usedPort: number
const other = createServer()

beforeAll(async () => {
  folder = await makeFolder()
  await folder.write('twice-wrong.yaml', 'listen: nowhere\nunheardOf: 1\nlog: { level: loud }\n')
  await folder.write('broken.yaml', 'listen: [\n')
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  usedPort = (other.address() as { port: number }).port
})

afterAll(async () => {
  await new Promise((resolve) => other.close(resolve))
  await folder[Symbol.asyncDispose]()
})

describe('a mistake is one readable line each, and exit code 1', () => {
  test.each<[string, string[], Record<string, string>, RegExp[]]>([
    ['a flag', ['serve', '--unheard'], {}, [/^error: unknown option '--unheard'/]],
    ['a command', ['brew'], {}, [/^error: unknown command 'brew'$/]],
    ['an argument', ['serve', 'now'], {}, [/^error: too many arguments/]],
    [
      'no such file',
      ['serve', '--config', 'missing.yaml'],
      {},
      [/^pullway: cannot read missing\.yaml: there is no such file$/],
    ],
    ['a folder', ['check', '--config', '.'], {}, [/^pullway: cannot read \.: it is a folder$/]],
    [
      'a configuration with several',
      ['serve', '--config', 'twice-wrong.yaml'],
      {},
      [
        /^twice-wrong\.yaml:1: listen: /,
        /^twice-wrong\.yaml:2: unheardOf: /,
        /^twice-wrong\.yaml:3: log\.level: /,
      ],
    ],
    ['no YAML', ['check', '-c', 'broken.yaml'], {}, [/^broken\.yaml:\d: /]],
    ['PULLWAY_CONFIG', ['serve'], { PULLWAY_CONFIG: '{"a": 1}' }, [/^PULLWAY_CONFIG:1: a: /]],
    ['--listen', ['serve', '--listen', 'x'], {}, [/^flags: --listen: must be host:port/]],
    ['PULLWAY_LISTEN', ['serve'], { PULLWAY_LISTEN: 'x' }, [/^environment: PULLWAY_LISTEN: must/]],
    ['PORT', ['serve'], { PORT: 'http' }, [/^environment: PORT: must be a port/]],
    [
      'an address of another machine',
      ['serve', '--listen', '192.0.2.1:0'],
      {},
      [/^pullway: cannot listen on 192\.0\.2\.1:0: this machine does not have that address$/],
    ],
  ])('%s', async (_, args, environment, lines) => {
    const { code, stdout, stderr } = await runInside(args, { cwd: folder.path, environment })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    const found = stderr.trimEnd().split('\n')
    expect(found).toHaveLength(lines.length)
    lines.forEach((line, index) => expect(found[index]).toMatch(line))
  })

  test('a port in use', async () => {
    const args = ['serve', '--listen', `127.0.0.1:${usedPort}`]
    expect(await runInside(args, { cwd: folder.path })).toEqual({
      code: 1,
      stdout: '',
      stderr: `pullway: cannot listen on 127.0.0.1:${usedPort}: another process uses that port\n`,
    })
  })
})

describe('help and version', () => {
  test.each([
    [['--help'], /^Usage: pullway [^]*serve[^]*check/],
    [['serve', '--help'], /^Usage: pullway serve [^]*--config <file>[^]*--listen <host:port>/],
    [['check', '--help'], /^Usage: pullway check [^]*--config <file>/],
    [['--version'], new RegExp(`^${version}\n$`)],
  ])('%s', async (args, expected) => {
    const { code, stdout, stderr } = await runInside(args, { cwd: folder.path })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(expected)
  })
})

describe('where the server listens', () => {
  const file = { 'pullway.yaml': { listen: '127.0.0.1:1' } }
  test.each<[string, object, Record<string, string>, Record<string, object>, string, number]>([
    ['--listen, first of all', { listen: '[::1]:7' }, { PORT: '1' }, file, '::1', 7],
    ['PULLWAY_LISTEN', {}, { PULLWAY_LISTEN: '127.0.0.2:3', PORT: '1' }, file, '127.0.0.2', 3],
    ['PORT, on every address', {}, { PORT: '8080' }, {}, '::', 8080],
    ['PORT, on the host of the file', {}, { PORT: '8080' }, file, '127.0.0.1', 8080],
    ['./pullway.yaml', {}, {}, file, '127.0.0.1', 1],
    ['PULLWAY_CONFIG', {}, { PULLWAY_CONFIG: 'listen: 127.0.0.3:9' }, file, '127.0.0.3', 9],
    [
      '--config, before PULLWAY_CONFIG',
      { config: 'a.yaml' },
      { PULLWAY_CONFIG: 'listen: 127.0.0.3:9' },
      { 'a.yaml': { listen: '127.0.0.4:4' } },
      '127.0.0.4',
      4,
    ],
    ['the defaults', {}, {}, {}, '127.0.0.1', 5000],
  ])('%s', async (_, flags, environment, files, host, port) => {
    await using own = await makeFolder()
    for (const [name, content] of Object.entries(files)) await own.write(name, content)
    const { config } = await readConfig(flags, { environment, folder: own.path })
    expect(config.listen).toEqual({ host, port })
  })
})

describe('the process', () => {
  test('tells where it listens, also on every address, and stops in good order', async () => {
    const environment = { PULLWAY_LISTEN: ':0' }
    await using server = startCli(['serve'], { cwd: folder.path, environment })
    const url = await urlOf(server)
    expect(url).toMatch(/^http:\/\/(?:\[::\]|0\.0\.0\.0):\d+$/)
    const { port } = new URL(url)
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    server.kill('SIGTERM')
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  test('exits with 1 after a mistake', async () => {
    const args = ['serve', '--config', 'missing.yaml']
    await using cli = startCli(args, { cwd: folder.path })
    expect(await cli.exited).toEqual({ code: 1, signal: null })
    expect(cli.output()).toEqual({
      stdout: '',
      stderr: 'pullway: cannot read missing.yaml: there is no such file\n',
    })
  })

  test('exits with 0 after --version, without colour', async () => {
    await using cli = startCli(['--version'], { cwd: folder.path, environment: { CI: '1' } })
    expect(await cli.exited).toEqual({ code: 0, signal: null })
    expect(cli.output()).toEqual({ stdout: `${version}\n`, stderr: '' })
  })
})
