import { expect, test } from 'vitest'
import { createFilesystemBlobStore } from '../../adapters/node/src/filesystem-blob-store.ts'
import { createMemoryLogger } from '../contract/memory-logger.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { createFakeDisk } from '../fakes/file-system.ts'
import { createTestMirror } from '../fakes/mirror.ts'
import { buildImage, createFakeRegistry, type Image } from '../fakes/registry/index.ts'

const one = buildImage({ seed: 81, layers: 2, layerBytes: 30_000 })
const other = buildImage({ seed: 82, layers: 2, layerBytes: 30_000 })

/** A mirror on files that have room for one image and a half; every tag is asked for again. */
function settle() {
  const clock = createFakeClock()
  const fake = createFakeRegistry({ hosts: ['registry.test'] })
  fake.push('team/one', 'latest', one)
  fake.push('team/other', 'latest', other)
  const disk = createFakeDisk(() => clock.now())
  const logger = createMemoryLogger()
  const { files } = disk.process()
  const options = { path: '/cache', clock, logger, maxBytes: 90_000, files }
  const config = 'upstreams: { registry.test: { default: true } }'
  const mirror = createTestMirror({
    fetch: fake.fetch,
    clock,
    config,
    blobs: createFilesystemBlobStore(options),
  })

  const pull = async (name: string, { blobs }: Image): Promise<readonly number[]> => {
    const statuses = [(await mirror.drive(mirror.get(`/v2/team/${name}/manifests/latest`))).status]
    for (const { digest } of statuses[0] === 200 ? blobs : [])
      statuses.push((await mirror.drive(mirror.get(`/v2/team/${name}/blobs/${digest}`))).status)
    await mirror.settle()
    await clock.advance(61_000)
    return statuses
  }
  return { fake, disk, pull }
}

test('a manifest is not served in trouble when its image was evicted, and is when it was not', async () => {
  const { fake, disk, pull } = settle()
  const all = [200, 200, 200, 200]
  expect(await pull('one', one)).toEqual(all)
  expect(await pull('other', other)).toEqual(all)
  const left = [...disk.files.keys()].filter((path) => path.includes('/blobs/'))
  expect(left).toHaveLength(4)

  const trouble = fake.fail({}, { kind: 'no-answer', failure: 'unreachable' })
  expect(await pull('other', other)).toEqual(all)
  expect(await pull('one', one)).toEqual([503])
  trouble.lift()
  expect(await pull('one', one)).toEqual(all)
})

test('of an image that has lost a layer, the manifest is not served in trouble', async () => {
  const { fake, disk, pull } = settle()
  expect(await pull('one', one)).toEqual([200, 200, 200, 200])
  const layer = one.blobs.find(({ bytes }) => bytes.byteLength >= 30_000)!
  disk.remove(`/cache/blobs/sha256/${layer.digest.slice(7, 9)}`)
  const trouble = fake.fail({}, { kind: 'no-answer', failure: 'unreachable' })
  expect(await pull('one', one)).toEqual([503])
  trouble.lift()
  expect(await pull('one', one)).toEqual([200, 200, 200, 200])
})
