import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isReady } from '../acceptance/targets/ready.ts'
import { makeFolder } from '../clients/folder.ts'
import { findFreePort } from '../clients/port.ts'
import { startService, type Service } from '../clients/process.ts'
import { accessKeyId, bucket, secretAccessKey } from '../contract/s3-server.ts'
import { startLambda } from '../platforms/lambda/start-lambda.ts'
import { startVercelFunction } from '../platforms/vercel.ts'
import type { RedisOverHttp } from './redis-over-http.ts'

export interface Services {
  /** The upstream's. */
  readonly registry: string
  readonly s3: string
  readonly redis: string
  readonly redisOverHttp: RedisOverHttp
}

export interface Mirror {
  readonly url: string
  log(): string
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Pullway as built, in one of its runtimes, on S3 and Redis. */
export interface Platform {
  readonly name: string
  start(services: Services): Promise<Mirror>
  /** Larger blobs go by a link. */
  readonly streams: number
}

const region = 'us-east-1'
const keys = { accessKeyId, secretAccessKey }
const cli = fileURLToPath(new URL('../../adapters/node/dist/cli.js', import.meta.url))

const documentOf = ({ registry }: Services, cache: object): object => ({
  upstreams: { 'docker.io': { endpoints: [{ url: registry }], trustedHosts: ['127.0.0.1'] } },
  // A download that a test holds has not stalled.
  timeouts: { idle: '2m' },
  // Every tag is asked for again, so that a pull from the cache is not just fresh.
  cache: { tags: { freshFor: '0s' }, ...cache },
})

async function startNode(services: Services): Promise<Mirror> {
  const folder = await makeFolder('node')
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const file = `${folder.path}/pullway.yaml`
  const blobs = { driver: 's3', endpoint: services.s3, bucket, region, ...keys }
  const state = { driver: 'redis', url: services.redis }
  const document = { listen: `127.0.0.1:${port}`, ...documentOf(services, { blobs, state }) }
  // JSON is YAML too.
  await writeFile(file, JSON.stringify(document))
  const args = [cli, 'serve', '--config', file]
  const run = (): Promise<Service> =>
    startService(`pullway :${port}`, process.execPath, args, () => isReady(url))
  let service = await run()
  return {
    url,
    log: () => service.log(),
    restart: async () => {
      await service.stop()
      service = await run()
    },
    stop: async () => {
      await service.stop()
      await folder.remove()
    },
  }
}

function startVercel(services: Services): Promise<Mirror> {
  const { s3, redisOverHttp } = services
  return startVercelFunction('node', JSON.stringify(documentOf(services, {})), {
    PULLWAY_S3_ENDPOINT: s3,
    PULLWAY_S3_BUCKET: bucket,
    PULLWAY_S3_REGION: region,
    PULLWAY_S3_ACCESS_KEY_ID: accessKeyId,
    PULLWAY_S3_SECRET_ACCESS_KEY: secretAccessKey,
    UPSTASH_REDIS_REST_URL: redisOverHttp.url,
    UPSTASH_REDIS_REST_TOKEN: redisOverHttp.token,
  })
}

function startLambdaFunction(services: Services): Promise<Mirror> {
  const state = { driver: 'redis', url: services.redis }
  return startLambda({
    document: JSON.stringify(documentOf(services, { state })),
    environment: {
      PULLWAY_S3_BUCKET: bucket,
      PULLWAY_S3_ENDPOINT: services.s3,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    instances: 6,
  })
}

export const platforms: readonly Platform[] = [
  { name: 'the Node server', start: startNode, streams: Infinity },
  { name: 'the Vercel function', start: startVercel, streams: Infinity },
  { name: 'the Lambda function', start: startLambdaFunction, streams: 6 * 1024 * 1024 },
]
