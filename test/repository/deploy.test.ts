import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig } from '@pullway/core/config'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

/** What an operator copies runs without root, and what it names is there. */

const root = join(import.meta.dirname, '../..')

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

const config = parseConfig(read('deploy/docker/config/pullway.yaml'), {
  file: 'deploy/docker/config/pullway.yaml',
  environment: {},
})
const stopMs = config.shutdown.drainMs + config.shutdown.finishMs

describe('the systemd unit', () => {
  const lines = read('deploy/systemd/pullway.service')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('['))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  const all = (key: string): readonly string[] =>
    lines.filter(([name]) => name === key).map(([, value]) => value)

  test.each([
    ['User', 'pullway'],
    ['Group', 'pullway'],
    ['CapabilityBoundingSet', ''],
    ['NoNewPrivileges', 'yes'],
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'yes'],
    ['PrivateTmp', 'yes'],
    ['PrivateDevices', 'yes'],
    ['RestrictSUIDSGID', 'yes'],
    ['StateDirectory', 'pullway'],
    ['WorkingDirectory', '/var/lib/pullway'],
    ['ExecReload', '/bin/kill -HUP $MAINPID'],
    ['LimitNOFILE', '65536'],
  ])('has %s=%s', (key, value) => {
    expect(all(key)).toEqual([value])
  })

  test('adds no capability, and has nothing started by root', () => {
    expect(all('AmbientCapabilities')).toEqual([])
    for (const [key, value] of lines) {
      if (key.startsWith('Exec')) expect(value).not.toMatch(/^[+!@]/)
    }
  })

  test('starts the command that is built, and waits for it to stop', () => {
    const [start = ''] = all('ExecStart')
    const [, file = ''] = / \/opt\/pullway\/(\S+) serve --config /.exec(start) ?? []
    expect(file.replace('/dist/cli.js', '/src/cli.ts')).toBe('adapters/node/src/cli.ts')
    expect(existsSync(join(root, 'adapters/node/src/cli.ts'))).toBe(true)
    expect(Number(all('TimeoutStopSec')[0]) * 1000).toBeGreaterThan(stopMs)
  })
})

describe('the image', () => {
  const steps = read('deploy/docker/Dockerfile')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.trim())
  const last = steps.slice(steps.findLastIndex((step) => step.startsWith('FROM ')))
  const of = (word: string): readonly string[] =>
    last.filter((step) => step.startsWith(`${word} `)).map((step) => step.slice(word.length + 1))

  test('runs as a user with a number, from the last step that could need root on', () => {
    expect(of('USER')).toEqual(['1000:1000'])
    const after = last.slice(last.findIndex((step) => step.startsWith('USER ')))
    expect(after.filter((step) => /^(?:RUN|COPY|ADD) /.test(step))).toEqual([])
  })

  test('gets signals itself: no shell and no npm between', () => {
    const [entry = ''] = of('ENTRYPOINT')
    expect(JSON.parse(entry)).toEqual([
      'node',
      expect.stringMatching(/^--/),
      '/opt/pullway/adapters/node/dist/cli.js',
    ])
    const [command = ''] = of('CMD')
    expect(JSON.parse(command)).toEqual(['serve', '--config', '/etc/pullway/pullway.yaml'])
  })

  test('holds no secret, and copies what is there', () => {
    expect(steps.join('\n')).not.toMatch(/^(?:ARG|ENV) .*(?:TOKEN|PASSWORD|SECRET|KEY)/m)
    const copied = of('COPY').filter((what) => !what.startsWith('--from='))
    expect(copied).toEqual(['deploy/docker/config/pullway.yaml /etc/pullway/pullway.yaml'])
    const ignored = read('.dockerignore').split('\n')
    expect(ignored).toEqual(
      expect.arrayContaining(['.git', '**/node_modules', '**/dist', '**/.env']),
    )
  })

  test('has a configuration that fits it', () => {
    expect(config.listen).toEqual({ host: '::', port: 5000 })
    expect(config.cache.blobs).toMatchObject({ path: '/var/lib/pullway' })
    expect(of('VOLUME')).toEqual(['/var/lib/pullway'])
    expect(of('EXPOSE')).toEqual(['5000'])
  })

  test('is run by Compose without root, capabilities or a disk to write to', () => {
    const { services } = parse(read('deploy/docker/compose.yaml')) as {
      services: Record<string, { build: { context: string; dockerfile: string } }>
    }
    expect(services['pullway']).toMatchObject({
      user: '1000:1000',
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      stop_grace_period: '45s',
      volumes: ['./config:/etc/pullway:ro', 'cache:/var/lib/pullway'],
    })
    const { context, dockerfile } = services['pullway']!.build
    expect(existsSync(join(root, 'deploy/docker', context, dockerfile))).toBe(true)
    expect(45_000).toBeGreaterThan(stopMs)
  })
})
