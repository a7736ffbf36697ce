import { gzipSync } from 'node:zlib'
import { FetchError } from '@pullway/core'
import { expect, test } from 'vitest'
import { createWorkerFetch } from '../../adapters/cloudflare/src/fetch.ts'

const network = { network: 'any' } as const
const request = new Request('https://registry.test/v2/')

test('says nothing of an encoding that this runtime has undone', async () => {
  const headers = {
    'content-encoding': 'gzip',
    'content-length': String(gzipSync('body').byteLength),
    'docker-content-digest': 'sha256:ab',
  }
  const fetch = createWorkerFetch(async () => new Response('body', { status: 201, headers }))
  const response = await fetch(request, network)
  expect(response.status).toBe(201)
  expect(Object.fromEntries(response.headers)).toEqual({
    'content-type': 'text/plain;charset=UTF-8',
    'docker-content-digest': 'sha256:ab',
  })
  expect(await response.text()).toBe('body')
})

test('hands an answer without an encoding on as it is', async () => {
  const answer = new Response('body')
  expect(await createWorkerFetch(async () => answer)(request, network)).toBe(answer)
})

test('tells that no answer came', async () => {
  const cause = new TypeError('Network connection lost.')
  const fetch = createWorkerFetch(() => Promise.reject(cause))
  const error: unknown = await fetch(request, network).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(FetchError)
  expect(error).toMatchObject({ failure: 'unreachable', message: cause.message, cause })
})

test('gives the reason of whoever gave the request up', async () => {
  const reason = new FetchError('timeout', 'took too long')
  const fetch = createWorkerFetch(() => Promise.reject(new DOMException('aborted', 'AbortError')))
  const aborted = new Request(request, { signal: AbortSignal.abort(reason) })
  await expect(fetch(aborted, network)).rejects.toBe(reason)
})
