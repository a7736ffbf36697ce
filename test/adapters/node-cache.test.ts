import { appendFile, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildImage, buildMultiArch, type Image } from '../fakes/registry/index.ts'
import { createCacheWorld, type CacheWorld } from './node-cache-support.ts'
import { makeFolder, runInside } from './node-process.ts'
import { eventually } from './node-support.ts'

const app = buildImage({ seed: 31, layers: 2, layerBytes: 200_000 })
const tool = buildImage({ seed: 32, layers: 1, layerBytes: 300_000 })
const multi = buildMultiArch({ seed: 33, layerBytes: 50_000 })

async function createFilled(options: { readonly maxSize?: string } = {}): Promise<CacheWorld> {
  const world = await createCacheWorld(options)
  const { registry } = world.upstream
  registry.push('team/app', '1.0', app)
  registry.push('team/tool', 'latest', tool)
  registry.push('team/multi', 'latest', multi)
  registry.push('other/app', 'copy', app)
  expect(await world.pull('team/app', '1.0', app)).toBe(true)
  expect(await world.pull('team/tool', 'latest', tool)).toBe(true)
  expect(await world.pull('team/multi', 'latest', multi)).toBe(true)
  await eventually(() => [app, tool, multi].every((image) => isWhole(world, image)))
  return world
}

function filesOf({ manifests, blobs }: Image): readonly string[] {
  return [...new Set([...manifests, ...blobs].map(({ digest }) => digest))]
}

function countKept(world: CacheWorld, image: Image): number {
  return filesOf(image).filter((digest) => existsSync(world.fileOf(digest))).length
}

function isWhole(world: CacheWorld, image: Image): boolean {
  return countKept(world, image) === filesOf(image).length
}

function largest({ blobs }: Image): Image['root'] {
  return blobs.reduce((one, other) => (one.bytes.length > other.bytes.length ? one : other))
}

interface Document {
  readonly cache: { readonly blobs: { maxSize?: string } }
}

async function daysAgo(world: CacheWorld, image: Image, days: number): Promise<void> {
  const date = new Date(Date.now() - days * 86_400_000)
  for (const digest of filesOf(image)) await utimes(world.fileOf(digest), date, date)
}

describe('pullway cache ls and stat', () => {
  test('list images by their names, an index as one', async () => {
    await using world = await createFilled()
    const { code, stdout, stderr } = await world.run('ls')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^IMAGE +DIGEST +SIZE +LAST USED$/)
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ['registry.test/team/app:1.0', app.root.digest],
      ['registry.test/team/multi:latest', multi.root.digest],
      ['registry.test/team/tool:latest', tool.root.digest],
    ])
    expect(lines[0]).toMatch(/ 39[0-9] KiB {2}\d{4}-\d\d-\d\d \d\d:\d\dZ$/)
  })

  test('names what was pulled by digest, and what nothing tells the name of', async () => {
    await using world = await createCacheWorld()
    world.upstream.registry.push('team/app', '1.0', app)
    expect(await world.pull('team/app', app.root.digest, app)).toBe(true)
    expect((await world.run('ls')).stdout).toContain(`registry.test/team/app  ${app.root.digest}`)
    await rm(join(world.path, 'state'), { recursive: true })
    expect((await world.run('ls')).stdout).toMatch(new RegExp(`^- +${app.root.digest}`, 'm'))
  })

  test('show sizes, counts and the limit', async () => {
    await using world = await createFilled({ maxSize: '10MiB' })
    await writeFile(join(dirname(world.fileOf(app.root.digest)), 'stray'), 'x')
    const { code, stdout } = await world.run('stat')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^folder +\/.*data$/m)
    expect(stdout).toMatch(/^size +\S+ KiB \(\d+ bytes\)$/m)
    expect(stdout).toMatch(/^limit +10\.0 MiB \(\d+ % used\)$/m)
    expect(stdout).toMatch(/^images +3$/m)
    expect(stdout).toMatch(new RegExp(`^manifests +${2 + multi.manifests.length}, `, 'm'))
    expect(stdout).toMatch(/^unreferenced +0, 0 B$/m)
    expect(stdout).toMatch(/^does not belong here +.*stray$/m)
  })

  test('of a cache that is not there yet are empty', async () => {
    await using folder = await makeFolder()
    const { code, stdout } = await runInside(['cache', 'ls'], { cwd: folder.path })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'IMAGE  DIGEST  SIZE  LAST USED\n' })
    expect((await runInside(['cache', 'stat'], { cwd: folder.path })).code).toBe(0)
  })
})

describe('pullway cache verify', () => {
  const layer = app.blobs.find(({ bytes }) => bytes.byteLength > 100_000)!

  async function flip(file: string): Promise<void> {
    const bytes = await readFile(file)
    bytes[bytes.length >> 1]! ^= 1
    await writeFile(file, bytes)
  }
  const damages: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
    'a flipped bit': flip,
    'a file cut short': (file) => truncate(file, 1000),
    'an empty file': (file) => truncate(file, 0),
    'a file with more at its end': (file) => appendFile(file, 'x'),
  }

  test('finds nothing wrong where nothing is', async () => {
    await using world = await createFilled()
    const { code, stdout, stderr } = await world.run('verify')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^checked \d+ files, .*: all are right\n$/)
  })

  test.each(Object.entries(damages))('finds %s, and heals it', async (_, damage) => {
    await using world = await createFilled()
    for (const { digest } of [layer, app.root]) await damage(world.fileOf(digest))
    const { code, stdout, stderr } = await world.run('verify')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const { digest } of [layer, app.root])
      expect(stdout).toContain(`${digest}  has wrong bytes  fetched again\n`)
    expect(stdout).toMatch(/: 2 were wrong, 2 of them are healed\n$/)
    expect((await world.run('verify')).stdout).toContain('all are right')
    expect(await readFile(world.fileOf(layer.digest))).toEqual(Buffer.from(layer.bytes))
  })

  test('waits for nobody where a pipe lies in the place of a file, and heals it', async () => {
    await using world = await createFilled()
    const file = world.fileOf(layer.digest)
    const putPipe = async (): Promise<void> => {
      await rm(file)
      execFileSync('mkfifo', [file])
    }
    await putPipe()
    const { code, stdout } = await world.run('verify')
    expect(code).toBe(0)
    expect(stdout).toContain(`${layer.digest}  cannot be read (ESPIPE)  fetched again\n`)
    await putPipe()
    expect(await world.pull('team/app', '1.0', app)).toBe(true)
    await eventually(() => isWhole(world, app))
  })

  test('removes only, when told so, and exits with 1', async () => {
    await using world = await createFilled()
    await flip(world.fileOf(layer.digest))
    const { code, stdout, stderr } = await world.run('verify', '--no-heal')
    expect(code).toBe(1)
    expect(stdout).toContain('removed: not asked to heal it')
    expect(stderr).toBe('pullway: 1 wrong files were removed and not fetched again\n')
    expect(existsSync(world.fileOf(layer.digest))).toBe(false)
    expect(await world.pull('team/app', '1.0', app)).toBe(true)
  })

  test('says what it could not heal, and exits with 1', async () => {
    await using world = await createFilled()
    await flip(world.fileOf(layer.digest))
    await world.upstream.stop()
    const dead = await world.run('verify')
    expect(dead.code).toBe(1)
    expect(dead.stdout).toMatch(/removed: registry\.test\/team\/app answers 50[34]/)

    await flip(world.fileOf(tool.root.digest))
    await rm(join(world.path, 'state'), { recursive: true })
    const unknown = await world.run('verify')
    expect(unknown.code).toBe(1)
    expect(unknown.stdout).toContain('removed: no record says which repository has it')
  })
})

describe('pullway cache rm', () => {
  test.each([
    ['a tag', 'registry.test/team/app:1.0'],
    ['a tag of the default registry', 'team/app:1.0'],
    ['an alias', 'ours/team/app:1.0'],
    ['a digest', `team/app@${app.root.digest}`],
    ['both', `registry.test/team/app:1.0@${app.root.digest}`],
  ])('takes an image away by %s, and nothing else', async (_, name) => {
    await using world = await createFilled()
    const { code, stdout, stderr } = await world.run('rm', name)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^removed 4 files, 39\d KiB\n$/)
    expect(countKept(world, app)).toBe(0)
    expect([isWhole(world, tool), isWhole(world, multi)]).toEqual([true, true])
    expect((await world.run('ls')).stdout).not.toContain('team/app')
    expect(await world.pull('team/app', '1.0', app)).toBe(true)
  })

  test('takes an index away with all its images', async () => {
    await using world = await createFilled()
    expect((await world.run('rm', 'team/multi')).code).toBe(0)
    expect(countKept(world, multi)).toBe(0)
  })

  test('leaves what another repository has, too', async () => {
    await using world = await createFilled()
    expect(await world.pull('other/app', 'copy', app)).toBe(true)
    const { code, stdout } = await world.run('rm', 'team/app:1.0')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'removed its name only; its content belongs to others, too\n',
    })
    expect(isWhole(world, app)).toBe(true)
    const listed = (await world.run('ls')).stdout
    expect(listed).toContain('other/app:copy')
    expect(listed).not.toContain('team/app:1.0')
    expect((await world.run('rm', 'other/app:copy')).stdout).toMatch(
      /^removed its name only|^removed 4 files/,
    )
  })

  test.each([
    ['team/app:2.0', /^pullway: team\/app:2\.0 is not in the cache\n$/],
    ['team/app', /is not in the cache\n$/],
    [`team/tool@${app.root.digest}`, /is not in the cache\n$/],
    ['quay.test/a/b', /^pullway: this mirror does not serve the registry "quay\.test"/],
    ['team/app:', /^pullway: "" is not a tag/],
    ['team/app:..', /^pullway: "\.\." is not a tag/],
    ['team/app@sha256:12', /^pullway: "sha256:12" is not a digest/],
    ['team/app@latest', /^pullway: .* is not an image/],
    ['team/app@a@b', /^pullway: .* is not an image/],
    ['Team/App', /^pullway: "Team\/App" is not a repository name/],
    ['../../etc/passwd', /^pullway: this mirror does not serve the registry "\.\."/],
    [`a${'/a'.repeat(2000)}`, /^pullway: .* is not an image/],
    ['a\nb', /^pullway: "a\?b" is not a repository name/],
  ])('says in one line why %j cannot be', async (name, message) => {
    await using world = await createCacheWorld()
    const { code, stdout, stderr } = await world.run('rm', name)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('pullway cache prune', () => {
  test('removes what was not used for so long', async () => {
    await using world = await createFilled()
    await daysAgo(world, tool, 31)
    await daysAgo(world, app, 29)
    const { code, stdout } = await world.run('prune', '--older-than', '30d')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^removed 3 files, 29\d KiB; \d+ KiB are left\n$/)
    expect([countKept(world, tool), isWhole(world, app), isWhole(world, multi)]).toEqual([
      0,
      true,
      true,
    ])
  })

  test('removes what no manifest needs', async () => {
    await using world = await createFilled()
    await rm(world.fileOf(tool.root.digest))
    expect((await world.run('prune', '--all-unreferenced')).stdout).toMatch(/^removed 2 files, /)
    expect(countKept(world, tool)).toBe(0)
    expect([isWhole(world, app), isWhole(world, multi)]).toEqual([true, true])
  })

  test('goes down to the limit: what no manifest needs, then the least recently used', async () => {
    await using world = await createFilled()
    const extra = buildImage({ seed: 90, layers: 1, layerBytes: 300_000 })
    const layer = largest(extra)
    world.upstream.registry.push('team/extra', 'latest', extra)
    const answer = await fetch(`${world.server.url}/v2/team/extra/blobs/${layer.digest}`)
    await answer.arrayBuffer()
    await eventually(() => existsSync(world.fileOf(layer.digest)))
    await daysAgo(world, app, 2)
    const file = join(world.folder.path, 'pullway.yaml')
    const document = JSON.parse(await readFile(file, 'utf8')) as Document
    document.cache.blobs.maxSize = '1MiB'
    await world.folder.write('pullway.yaml', document)
    expect((await world.run('prune')).code).toBe(0)
    expect(existsSync(world.fileOf(layer.digest))).toBe(false)
    expect([app, tool, multi].map((image) => isWhole(world, image))).toEqual([true, true, true])

    const more = buildImage({ seed: 91, layers: 1, layerBytes: 400_000 })
    world.upstream.registry.push('team/more', 'latest', more)
    expect(await world.pull('team/more', 'latest', more)).toBe(true)
    await eventually(() => isWhole(world, more))
    expect((await world.run('prune')).stdout).toMatch(/^removed 4 files, 39\d KiB/)
    expect(countKept(world, app)).toBe(0)
    expect([tool, multi, more].map((image) => isWhole(world, image))).toEqual([true, true, true])
  })

  test.each([
    [['prune'], /^pullway: nothing says how much: set cache\.blobs\.maxSize, or use --older-than/],
    [['prune', '--older-than', 'soon'], /^pullway: --older-than must be a number with a unit/],
    [['prune', '--older-than'], /^error: option '--older-than <age>' argument missing/],
    [['prune', '--unheard'], /^error: unknown option '--unheard'/],
    [['rm'], /^error: missing required argument 'image'/],
    [['brew'], /^error: unknown command 'brew'/],
  ])('says in one line what is wrong with %j', async (args, message) => {
    await using folder = await makeFolder()
    const { code, stdout, stderr } = await runInside(['cache', ...args], { cwd: folder.path })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
  })

  test.each(['memory', 'none'])('has nothing to do for the driver %s', async (driver) => {
    await using folder = await makeFolder()
    await folder.write('pullway.yaml', { cache: { blobs: { driver } } })
    for (const args of [['ls'], ['stat'], ['verify'], ['prune'], ['rm', 'alpine']]) {
      const { code, stderr } = await runInside(['cache', ...args], { cwd: folder.path })
      expect(code).toBe(1)
      expect(stderr).toBe(
        `pullway: these commands are for a cache on files, and cache.blobs.driver is ${driver}\n`,
      )
    }
  })

  test.each([
    [['--help'], /ls [^]*stat [^]*verify [^]*prune [^]*rm /],
    [['ls', '--help'], /--config/],
    [['stat', '--help'], /--config/],
    [['verify', '--help'], /--config[^]*--no-heal/],
    [['prune', '--help'], /--config[^]*--older-than[^]*--all-unreferenced/],
    [['rm', '--help'], /<image>[^]*--config/],
  ])('cache %j tells how it is used', async (args, expected) => {
    await using folder = await makeFolder()
    const { code, stdout } = await runInside(['cache', ...args], { cwd: folder.path })
    expect(code).toBe(0)
    expect(stdout).toMatch(expected)
  })
})

test('a running server keeps to its limit, tells it in its metrics, and goes on serving', async () => {
  await using world = await createCacheWorld({ maxSize: '1MiB' })
  const images = Array.from({ length: 8 }, (_, number) =>
    buildImage({ seed: 50 + number, layers: 2, layerBytes: 150_000 }),
  )
  for (const [number, image] of images.entries()) {
    world.upstream.registry.push(`team/image${number}`, 'latest', image)
    expect(await world.pull(`team/image${number}`, 'latest', image)).toBe(true)
  }
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${world.server.url}/metrics`)).text()
    return Number(new RegExp(`^pullway_cache_${name} (.*)$`, 'm').exec(text)?.[1])
  }
  await eventually(async () => (await metric('size_bytes')) <= 1_048_576)
  expect(await metric('evicted_bytes_total')).toBeGreaterThan(1_000_000)
  // Whole images, the last one with them.
  await eventually(() => {
    const kept = images.map((image) => countKept(world, image))
    return kept.every((count) => count === 0 || count === 4) && kept[7] === 4
  })
  for (const [number, image] of images.entries())
    expect(await world.pull(`team/image${number}`, 'latest', image)).toBe(true)
  expect((await world.run('verify')).code).toBe(0)
})

test('a blob larger than the limit is streamed, and no failure of the cache', async () => {
  await using world = await createCacheWorld({ maxSize: '1MiB' })
  const large = buildImage({ seed: 60, layers: 1, layerBytes: 2_000_000 })
  world.upstream.registry.push('team/large', 'latest', large)
  expect(await world.pull('team/large', 'latest', large)).toBe(true)
  await eventually(() => countKept(world, large) === 2)
  expect(existsSync(world.fileOf(largest(large).digest))).toBe(false)
  expect(world.logged()).toEqual([])
})
