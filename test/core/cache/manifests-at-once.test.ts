import { describe, expect, test } from 'vitest'
import { createImageWorld, short } from '../support/image-world.ts'
import { makeImage, makeIndex } from '../support/images.ts'
import { turns } from '../support/turns.ts'

const image = makeImage(1)
const index = makeIndex(image)
const latest = '/v2/app/manifests/latest'

function settle() {
  const world = createImageWorld()
  world.push('app', 'latest', index)
  return world
}

/** Twenty requests that begin together, and one that comes while they wait. */
async function herd<T>(ask: () => Promise<T>, meanwhile: () => void): Promise<T[]> {
  const early = Array.from({ length: 20 }, ask)
  await turns(5)
  const late = ask()
  await turns(5)
  meanwhile()
  return Promise.all([...early, late])
}

/** Holds all answers back until told. */
function gate(world: ReturnType<typeof settle>): () => void {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  let isPassing = false
  world.answerWith((call) => {
    if (isPassing) return undefined
    return opened.then(() => {
      isPassing = true
      const content = call.url.pathname.endsWith(image.digest) ? image : index
      return new Response(call.method === 'HEAD' ? null : content.bytes, {
        headers: {
          'content-type': content.mediaType,
          'content-length': String(content.bytes.byteLength),
          'docker-content-digest': content.digest,
        },
      })
    })
  })
  return open
}

describe('many clients at once cost one request', () => {
  test.each([
    [latest, 'GET app/manifests/latest', index],
    [`/v2/app/manifests/${image.digest}`, `GET app/manifests/${short(image.digest)}`, image],
  ] as const)('for %s', async (path, line, content) => {
    const world = settle()
    const answers = await herd(() => world.mirror.get(path), gate(world))
    for (const { bytes } of answers) expect(bytes).toEqual(content.bytes)
    expect(world.takeLines()).toEqual([line])
    const { text } = await world.mirror.get('/metrics')
    expect(text).toContain('pullway_coalesced_total 20\n')
  })

  test('and all but one are told that they joined it', async () => {
    const world = settle()
    const answers = await herd(() => world.mirror.get(latest), gate(world))
    const statuses = answers.map(({ headers }) => headers.get('cache-status'))
    expect(statuses.filter((status) => status === 'pullway; fwd=miss; stored')).toHaveLength(1)
    expect(statuses.filter((status) => status === 'pullway; fwd=miss; collapsed')).toHaveLength(20)
  })

  test('for HEAD and GET together', async () => {
    const world = settle()
    let count = 0
    const ask = () => (count++ % 2 === 0 ? world.mirror.head(latest) : world.mirror.get(latest))
    for (const { status } of await herd(ask, gate(world))) expect(status).toBe(200)
    expect(world.takeLines()).toEqual(['GET app/manifests/latest'])
  })

  test('for a stale tag', async () => {
    const world = settle()
    await world.mirror.get(latest)
    await world.mirror.clock.advance(60_000)
    world.takeLines()
    const answers = await herd(() => world.mirror.get(latest), gate(world))
    for (const { bytes } of answers) expect(bytes).toEqual(index.bytes)
    expect(world.takeLines()).toEqual(['HEAD app/manifests/latest'])
  })

  test('for a refusal, which is everybody’s', async () => {
    const world = settle()
    let refuse: () => void = () => undefined
    const refused = new Promise<void>((resolve) => (refuse = resolve))
    world.answerWith(() => refused.then(() => new Response('', { status: 404 })))
    for (const { status } of await herd(() => world.mirror.get(latest), refuse))
      expect(status).toBe(404)
    expect(world.takeLines()).toEqual(['GET app/manifests/latest'])
  })
})

test('other repositories are other requests', async () => {
  const world = settle()
  world.push('other', 'latest', image)
  const [one, other] = await Promise.all([
    world.mirror.get(latest),
    world.mirror.get('/v2/other/manifests/latest'),
  ])
  expect([one.bytes, other.bytes]).toEqual([index.bytes, image.bytes])
  expect(world.takeLines()).toHaveLength(2)
})
