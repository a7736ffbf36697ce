import type { BlobStore, BlobWrite } from '@pullway/core'
import { describe, expect, test } from 'vitest'
import { put, read } from './blob-store.ts'
import { digestOf, isSame, makeBytes } from './content.ts'
import { breaksOff, document, losesAnswer, refuses, says, startTroubled } from './s3-answers.ts'
import { createGate, startS3 } from './s3-support.ts'

const mib = 1024 * 1024
const small = makeBytes(100)
const large = makeBytes(12 * mib)

describe('an upload that is not committed leaves nothing', () => {
  const digest = digestOf(large)

  async function begin(store: BlobStore): Promise<BlobWrite> {
    const write = await store.write(digest, large.byteLength)
    await write.append([large])
    return write
  }

  test('when it is given up', async () => {
    const { store, leftovers, requests } = await startS3()
    const write = await begin(store)
    expect(await leftovers()).not.toEqual([])
    await write.release()
    await write.release()
    expect(requests).toEqual(['create', 'part 1', 'abort'])
    expect(await leftovers()).toEqual([])
    expect(await store.stat(digest)).toBeUndefined()
  })

  test('when it is given up while a part is on its way', async () => {
    const arrival = createGate()
    const rest = createGate()
    const { store, leftovers, requests } = await startS3(
      {},
      {
        async onBytes(size) {
          if (size < mib) return
          arrival.open()
          await rest.opened
        },
      },
    )
    const write = await store.write(digest)
    const appending = expect(write.append([large])).rejects.toThrow('given up')
    await arrival.opened
    await write.release()
    await appending
    rest.open()
    expect(requests).toEqual(['create', 'part 1', 'abort'])
    await expect.poll(leftovers).toEqual([])
  })

  test('when a part is refused: at once, and the write is over', async () => {
    const { store, leftovers, requests } = await startTroubled('part 1', [
      refuses(400, 'BadDigest'),
    ])
    const write = await store.write(digest)
    await expect(write.append([large])).rejects.toThrow('400 BadDigest')
    expect(requests).toEqual(['create', 'part 1', 'abort'])
    await expect(write.append([small])).rejects.toThrow('400 BadDigest')
    await expect(write.commit()).rejects.toThrow('400 BadDigest')
    await write.release()
    expect(requests).toHaveLength(3)
    expect(await leftovers()).toEqual([])
  })

  test.each([
    { what: 'an error with status 200', answer: refuses(200, 'InternalError') },
    { what: 'nothing', answer: says(200) },
    { what: 'half a document', answer: says(200, '<CompleteMultipartUploadResult><ETag>') },
    { what: 'a document without end', answer: says(200, ' '.repeat(100_000)) },
  ])('when its completion is answered with $what', async ({ answer }) => {
    const { store, leftovers, requests } = await startTroubled('complete', [answer])
    const write = await begin(store)
    await expect(write.commit()).rejects.toThrow()
    await write.release()
    expect(requests.slice(-2)).toEqual(['complete', 'abort'])
    expect(await leftovers()).toEqual([])
    expect(await store.stat(digest)).toBeUndefined()
  })

  test('and throws nothing when it cannot be aborted', async () => {
    const { store, requests } = await startTroubled('abort', [breaksOff, breaksOff, breaksOff])
    const write = await begin(store)
    await write.release()
    expect(requests.filter((name) => name === 'abort')).toHaveLength(3)
  })

  test('and is aborted after the next write, when it could not be before', async () => {
    const { store, leftovers } = await startTroubled('abort', [breaksOff, breaksOff, breaksOff])
    const write = await begin(store)
    await write.release()
    expect(await leftovers()).not.toEqual([])
    await put(store, digestOf(small), small)
    expect(await leftovers()).toEqual([])
  })
})

describe('a completion whose answer was lost', () => {
  const gone = refuses(404, 'NoSuchUpload')

  test('counts where the object is there', async () => {
    const { store, requests } = await startTroubled('complete', [losesAnswer, gone])
    await put(store, digestOf(large), large)
    expect(requests.slice(-3)).toEqual(['complete', 'complete', 'HEAD'])
    expect(isSame(await read(store, digestOf(large)), large)).toBe(true)
  })

  test('does not where it is not', async () => {
    const { store } = await startTroubled('complete', [breaksOff, gone])
    await expect(put(store, digestOf(large), large)).rejects.toThrow('404 NoSuchUpload')
  })
})

describe('an upload is not begun with', () => {
  const root = 'InitiateMultipartUploadResult'
  test.each([
    { what: 'nothing', text: '' },
    { what: 'half a document', text: `<${root}><UploadId>abc</UploadId>` },
    { what: 'no id', text: `<${root}></${root}>` },
    { what: 'an empty id', text: `<${root}><UploadId></UploadId></${root}>` },
    { what: 'an id with a line break', text: `<${root}><UploadId>a\nb</UploadId></${root}>` },
    {
      what: 'an id without end',
      text: `<${root}><UploadId>${'a'.repeat(1025)}</UploadId></${root}>`,
    },
    { what: 'another document', text: '<Error><UploadId>abc</UploadId></Error>' },
  ])('$what', async ({ text }) => {
    const { store, requests } = await startTroubled('create', [says(200, document + text)])
    await expect(put(store, digestOf(large), large)).rejects.toThrow('without a valid UploadId')
    expect(requests).toEqual(['create'])
  })
})
