import { describe, expect, test } from 'vitest'
import type { Answered } from '../fakes/mirror.ts'
import { buildImage } from '../fakes/registry/index.ts'
import { mebibyte, settle, type ChecklistSetting } from './checklist.ts'

/** clients.md, section 10, items 4 and 10. */

describe('4. ranges', () => {
  const big = buildImage({ seed: 74, layers: 1, layerBytes: 24 * mebibyte })
  const layer = big.blobs[1]!
  const size = layer.bytes.length
  const url = `/v2/app/blobs/${layer.digest}`

  function settleBig(): ChecklistSetting {
    const { hub, mirror } = settle()
    hub.push('library/app', 'big', big)
    return { hub, mirror }
  }

  /** Reads until there is enough, then goes, as containerd does with its chunks. */
  async function readSome(response: Response, bytes: number): Promise<Buffer> {
    const reader = response.body!.getReader()
    const chunks: Uint8Array[] = []
    for (let length = 0; length < bytes;) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      length += value.length
    }
    await reader.cancel()
    return Buffer.concat(chunks).subarray(0, bytes)
  }

  test('three open ones at once, each left after 8 MiB, give the right bytes and one download', async () => {
    const { hub, mirror } = settleBig()
    const parts = [0, 8 * mebibyte, 16 * mebibyte].map(async (first) => {
      const response = await mirror.fetch(url, { headers: { range: `bytes=${first}-` } })
      expect(response.status).toBe(206)
      expect(response.headers.get('content-range')).toBe(`bytes ${first}-${size - 1}/${size}`)
      return readSome(response, 8 * mebibyte)
    })
    const read = await mirror.drive(Promise.all(parts))
    expect(Buffer.compare(Buffer.concat(read), layer.bytes.subarray(0, 24 * mebibyte))).toBe(0)
    await mirror.drive(mirror.settle())
    // A part may be fetched on its own where that is sooner; never the whole for each.
    const moved = hub.calls.reduce((sum, call) => sum + call.sentBytes, 0)
    expect(moved / size).toBeLessThan(2.1)
    hub.takeLines()
    const whole = await mirror.get(url)
    expect(Buffer.compare(whole.bytes, layer.bytes)).toBe(0)
    expect(hub.takeLines()).toEqual([])
  }, 30_000)

  test('cold and warm: from 0, from the middle, several, none there', async () => {
    const { mirror } = settleBig()
    for (const round of ['cold', 'warm']) {
      const ask = (range: string): Promise<Answered> => mirror.drive(mirror.get(url, { range }))
      const first = await ask('bytes=0-')
      expect([first.status, first.headers.get('content-length')], round).toEqual([
        206,
        String(size),
      ])
      const second = await ask(`bytes=${size - 10}-`)
      expect(Buffer.compare(second.bytes, layer.bytes.subarray(-10))).toBe(0)
      // podman takes a whole 200 for several ranges (clients.md, section 4).
      const several = await ask('bytes=0-9,20-29')
      expect([several.status, several.bytes.length]).toEqual([200, size])
      const none = await ask(`bytes=${size}-`)
      expect([none.status, none.code]).toEqual([416, 'RANGE_INVALID'])
      expect(none.headers.get('content-range')).toBe(`bytes */${size}`)
    }
  })
})

test('10. a client whose stream broke goes on where it was, to the right digest', async () => {
  const { hub, mirror } = settle()
  const image = buildImage({ seed: 75, layers: 1, layerBytes: mebibyte })
  const layer = image.blobs[1]!
  hub.push('library/app', 'cut', image)
  const url = `/v2/app/blobs/${layer.digest}`
  // The mirror's own attempts to go on fail, too, so that the client's stream has to break.
  hub.fail({ kind: 'blob-host', times: 1 }, { kind: 'cut', afterBytes: 400_000 })
  const after = hub.fail({ kind: 'blob-host' }, { kind: 'no-answer', failure: 'unreachable' })
  const broken = await mirror.drive(mirror.get(url))
  expect(broken.broken).toBeDefined()
  expect(Buffer.compare(broken.bytes, layer.bytes.subarray(0, broken.bytes.length))).toBe(0)
  after.lift()
  await mirror.clock.advance(11_000)
  const range = `bytes=${broken.bytes.length}-`
  const rest = await mirror.drive(mirror.get(url, { range }))
  expect([rest.status, rest.broken]).toEqual([206, undefined])
  const whole = Buffer.concat([broken.bytes, rest.bytes])
  expect(Buffer.compare(whole, layer.bytes)).toBe(0)
})
