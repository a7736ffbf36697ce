import { describe, expect, test } from 'vitest'
import { describeBlobStore, put, read } from './blob-store.ts'
import { digestOf, inPieces, isSame, makeBytes } from './content.ts'
import { globalFetch, nodeFetch, startS3 } from './s3-support.ts'

const mib = 1024 * 1024

describeBlobStore('S3 over the port of Node', () => startS3({ fetch: nodeFetch() }), {
  readsBack: false,
})
describeBlobStore("S3 over a runtime's own fetch", () => startS3({ fetch: globalFetch }), {
  readsBack: false,
})

describe('what is written to S3', () => {
  test.each([
    { size: 0, pieces: 1, requests: ['PUT'] },
    { size: 8 * mib, pieces: 3, requests: ['PUT'] },
    { size: 8 * mib + 1, pieces: 3, requests: ['create', 'part 1', 'part 2', 'complete'] },
    { size: 12 * mib, pieces: 1, requests: ['create', 'part 1', 'part 2', 'complete'] },
    { size: 16 * mib, pieces: 100, requests: ['create', 'part 1', 'part 2', 'complete'] },
    { size: 20 * mib, pieces: 7, requests: ['create', 'part 1', 'part 2', 'part 3', 'complete'] },
  ])('$size bytes in $pieces pieces come as $requests', async ({ size, pieces, requests }) => {
    const s3 = await startS3()
    const bytes = makeBytes(size)
    const digest = digestOf(bytes)
    for (const announced of [size, undefined]) {
      const write = await s3.store.write(digest, announced)
      await Promise.all(
        inPieces(bytes, Math.ceil(size / pieces)).map((piece) => write.append([piece])),
      )
      expect(await s3.store.stat(digest)).toBeUndefined()
      await write.commit()
      await write.release()
      expect(isSame(await read(s3.store, digest), bytes)).toBe(true)
      await s3.store.remove(digest)
    }
    expect(await s3.leftovers()).toEqual([])
    const once = [...requests, 'GET', 'DELETE']
    expect(s3.requests.filter((name) => name !== 'HEAD')).toEqual([...once, ...once])
  })

  test('has one part in flight, and waits for it', async () => {
    let inFlight = 0
    let most = 0
    const s3 = await startS3(
      {},
      {
        intercept(_, response) {
          inFlight += 1
          most = Math.max(most, inFlight)
          response.on('finish', () => (inFlight -= 1))
          return false
        },
      },
    )
    const bytes = makeBytes(40 * mib)
    const write = await s3.store.write(digestOf(bytes), bytes.byteLength)
    await Promise.all(inPieces(bytes, mib).map((piece) => write.append([piece])))
    await write.commit()
    expect(most).toBe(1)
    await write.release()
  })

  test('is refused by S3 itself where the bytes are others', async () => {
    const { store } = await startS3()
    const digest = digestOf(makeBytes(10))
    await expect(put(store, digest, makeBytes(10, 2))).rejects.toThrow('S3 answered 500')
    expect(await store.stat(digest)).toBeUndefined()
  })

  test('has parts that S3 can take, or is refused at once', async () => {
    const { store, requests } = await startS3()
    const digest = digestOf(makeBytes(1))
    await (await store.write(digest, 500 * 1024 * mib)).release()
    await expect(store.write(digest, 640_001 * mib)).rejects.toThrow(RangeError)
    expect(requests).toEqual([])
  })
})
