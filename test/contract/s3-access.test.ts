import { describe, expect, test } from 'vitest'
import { systemClock } from '../../adapters/node/src/clock.ts'
import { put, read } from './blob-store.ts'
import { digestOf, isSame, makeBytes } from './content.ts'
import { connectTo, globalFetch, startS3 } from './s3-support.ts'

const bytes = makeBytes(300_000)
const digest = digestOf(bytes)
const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCY=EXAMPLE'

describe('credentials', () => {
  test.each([
    { what: 'a wrong secret', options: { secretAccessKey: secret }, code: 'SignatureDoesNotMatch' },
    {
      what: 'an unknown account',
      options: { accessKeyId: 'NOBODYATALL' },
      code: 'SignatureDoesNotMatch',
    },
    {
      what: 'an unknown account with the right secret',
      options: { accessKeyId: 'NOBODYATALL', secretAccessKey: 'S3RVER' },
      code: 'InvalidAccessKeyId',
    },
  ])('$what: refused, with nothing of them in the message', async ({ options, code }) => {
    const { connect } = await startS3()
    const store = connect({ secretAccessKey: secret, ...options })
    for (const work of [
      () => store.open(digest),
      () => store.remove(digest),
      () => put(store, digest, bytes),
    ]) {
      const error = await work().then(() => undefined, String)
      expect(error).toMatch(new RegExp(`^S3Error: S3 answered 403 ${code} to \\w+ blobs/`))
      expect(error).not.toContain('NOBODY')
      expect(error).not.toContain(secret)
    }
    await expect(store.stat(digest)).rejects.toThrow('S3 answered 403 to HEAD')
  })

  test('a session token is signed and sent', async () => {
    const tokens: unknown[] = []
    const { store } = await startS3(
      { sessionToken: 'a/session+token==' },
      {
        intercept({ headers }) {
          tokens.push(headers['x-amz-security-token'])
          return false
        },
      },
    )
    await put(store, digest, bytes)
    expect(tokens).toEqual(['a/session+token=='])
    const link = await store.presign(digest, 60)
    expect(link.searchParams.get('X-Amz-Security-Token')).toBe('a/session+token==')
  })
})

test('a bucket that is not there is trouble, not absence', async () => {
  const { connect } = await startS3()
  const store = connect({ bucket: 'another-bucket' })
  await expect(store.open(digest)).rejects.toThrow('404 NoSuchBucket')
  await expect(put(store, digest, bytes)).rejects.toThrow('404 NoSuchBucket')
})

describe('a presigned address', () => {
  test.each([
    { range: undefined, status: 200, expected: bytes },
    { range: 'bytes=0-0', status: 206, expected: bytes.subarray(0, 1) },
    { range: 'bytes=1000-99999', status: 206, expected: bytes.subarray(1000, 100_000) },
    { range: 'bytes=299999-', status: 206, expected: bytes.subarray(299_999) },
  ])('gives the bytes to any client, range $range', async ({ range, status, expected }) => {
    const { store } = await startS3()
    await put(store, digest, bytes)
    const link = await store.presign(digest, 60)
    expect(link.href).not.toContain(secret)
    const answer = await fetch(link, { headers: range === undefined ? {} : { range } })
    expect(answer.status).toBe(status)
    expect(isSame(new Uint8Array(await answer.arrayBuffer()), expected)).toBe(true)
  })

  test('gives nothing else, and nothing after its time', async () => {
    const { store, connect } = await startS3()
    const other = makeBytes(10)
    await put(store, digest, bytes)
    await put(store, digestOf(other), other)
    const link = await store.presign(digest, 60)
    const elsewhere = new URL(
      (await store.presign(digestOf(other), 60)).pathname + link.search,
      link,
    )
    expect((await fetch(elsewhere)).status).toBe(403)
    expect((await fetch(link, { method: 'DELETE' })).status).toBe(403)

    const longer = new URL(link)
    longer.searchParams.set('X-Amz-Expires', '600')
    expect((await fetch(longer)).status).toBe(403)

    const clock = { ...systemClock, now: () => Date.now() - 61_000 }
    const late = await connect({ clock }).presign(digest, 60)
    expect((await fetch(late)).status).toBe(403)
    expect(isSame(await read(store, digest), bytes)).toBe(true)
  })

  test.each([0, -1, Number.NaN, Infinity, 604_801])('is not made for %d s', async (seconds) => {
    const store = connectTo('https://s3.example', { fetch: globalFetch })
    await expect(store.presign(digest, seconds)).rejects.toThrow(RangeError)
  })
})
