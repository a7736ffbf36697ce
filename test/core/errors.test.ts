import { expect, test } from 'vitest'
import { type ErrorCode, RegistryError, toErrorResponse } from '../../core/src/errors.ts'

/** Distribution specification, "Error Codes", with the statuses that clients.md, section 8, wants. */
const statuses: Readonly<Record<ErrorCode, number>> = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DENIED: 403,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  RANGE_INVALID: 416,
  SIZE_INVALID: 400,
  TAG_INVALID: 400,
  TOOMANYREQUESTS: 429,
  UNAUTHORIZED: 401,
  UNAVAILABLE: 503,
  UNKNOWN: 500,
  UNSUPPORTED: 405,
}

test.each(Object.entries(statuses) as [ErrorCode, number][])('%s is %i', async (code, status) => {
  const response = toErrorResponse(new RegistryError(code, 'what is wrong'), false)
  expect(response.status).toBe(status)
  expect(await response.json()).toEqual({ errors: [{ code, message: 'what is wrong' }] })
})

test('detail, another status and headers', async () => {
  const error = new RegistryError('UNAVAILABLE', 'no answer', {
    status: 504,
    detail: 'after 14 s',
    headers: { 'retry-after': '5' },
  })
  const response = toErrorResponse(error, false)
  expect(response.status).toBe(504)
  expect(response.headers.get('retry-after')).toBe('5')
  expect(await response.json()).toEqual({
    errors: [{ code: 'UNAVAILABLE', message: 'no answer', detail: 'after 14 s' }],
  })
})

test('HEAD has the same headers and no body', async () => {
  const error = new RegistryError('MANIFEST_UNKNOWN', 'nicht da: „größer“')
  const get = toErrorResponse(error, false)
  const head = toErrorResponse(error, true)
  expect([...head.headers]).toEqual([...get.headers])
  expect(head.body).toBeNull()
  const bytes = await get.arrayBuffer()
  expect(get.headers.get('content-length')).toBe(String(bytes.byteLength))
  expect(get.headers.get('content-type')).toBe('application/json')
  expect(get.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
})

test('the cause is kept and not told', async () => {
  const cause = new Error('password=secret')
  const error = new RegistryError('UNKNOWN', 'the mirror failed', { cause })
  expect(error.cause).toBe(cause)
  expect(await toErrorResponse(error, false).text()).not.toContain('secret')
})
