import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createHandler, type FunctionUrlEvent } from '@pullway/lambda'
import { createEvent } from './create-event.ts'
import { createResponseStream, type FakeResponseStream } from './response-stream.ts'

type Environment = Readonly<Record<string, string>>

async function invoke(
  environment: Environment,
  event: FunctionUrlEvent,
): Promise<FakeResponseStream> {
  const fake = createResponseStream()
  const handler = createHandler({ awslambda: fake.awslambda, environment })
  await handler(event, fake.stream, { getRemainingTimeInMillis: () => 10_000 })
  return fake
}

async function makeTaskRoot(document: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pullway-lambda-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'pullway.yaml'), document)
  return folder
}

const quiet = 'log: { level: error }\n'

test.each([
  { method: 'GET', path: '/v2/', status: 200, text: '{}' },
  { method: 'HEAD', path: '/v2/', status: 200, text: '' },
  { method: 'GET', path: '/healthz', status: 200, text: 'ok\n' },
  { method: 'GET', path: '/readyz', status: 200, text: 'ready\n' },
  { method: 'DELETE', path: '/v2/a/manifests/b', status: 405, text: /UNSUPPORTED/ },
  { method: 'TRACE', path: '/v2/', status: 400, text: /UNSUPPORTED/ },
])('$method $path', async ({ method, path, status, text }) => {
  const fake = await invoke({ PULLWAY_CONFIG: quiet }, createEvent({ rawPath: path }, method))
  expect(fake.metadata?.statusCode).toBe(status)
  expect(fake.metadata?.headers['docker-distribution-api-version'] ?? 'registry/2.0').toBe(
    'registry/2.0',
  )
  if (typeof text === 'string') expect(fake.text).toBe(text)
  else expect(fake.text).toMatch(text)
  expect(fake.stream.writableFinished).toBe(true)
})

const home = createEvent({ headers: { 'accept-language': 'en' } })

test('the configuration is the file beside the code', async () => {
  const root = await makeTaskRoot(`${quiet}publicUrl: https://pull.example.com\n`)
  const { text } = await invoke({ LAMBDA_TASK_ROOT: root }, home)
  expect(text).toContain('pull.example.com')
})

test('a document in PULLWAY_CONFIG goes before the file', async () => {
  const root = await makeTaskRoot('upstreams: [')
  const PULLWAY_CONFIG = `${quiet}publicUrl: https://pull.example.com\n`
  const { text } = await invoke({ LAMBDA_TASK_ROOT: root, PULLWAY_CONFIG }, home)
  expect(text).toContain('pull.example.com')
})

test.each<{ what: string; environment: Environment; secret: RegExp }>([
  {
    what: 'a mistake in the document',
    environment: { PULLWAY_CONFIG: 'upstreams: { docker.io: { entpoints: hunter2 } }' },
    secret: /entpoints|hunter2|docker\.io/,
  },
  {
    what: 'no YAML at all',
    environment: { PULLWAY_CONFIG: '{{hunter2' },
    secret: /hunter2|PULLWAY_CONFIG/,
  },
  {
    what: 'a bucket without keys',
    environment: { PULLWAY_S3_BUCKET: 'hunter2-cache', AWS_REGION: 'eu-central-1' },
    secret: /hunter2|AWS_/,
  },
])('$what is a 500 that says nothing of it', async ({ environment, secret }) => {
  const { metadata, text } = await invoke(environment, createEvent({ rawPath: '/v2/' }))
  expect(metadata?.statusCode).toBe(500)
  expect(text).toContain('its log says where')
  expect(text).not.toMatch(secret)
})
