import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '@pullway/core/config'

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

const kit = new URL('../../deploy/lambda/', import.meta.url)
const template = readTemplate()
const { Mirror, Address, Cache } = template.Resources
const permissions = Object.values(template.Resources).filter(
  ({ Type }) => Type === 'AWS::Lambda::Permission',
)

test('the address is public and streams', () => {
  expect(Address?.Properties).toEqual({
    TargetFunctionArn: { Ref: 'Mirror' },
    AuthType: 'NONE',
    InvokeMode: 'RESPONSE_STREAM',
  })
})

test('both permissions are there, and none of them opens more than the address', () => {
  expect(permissions.map(({ Properties }) => Properties)).toEqual([
    {
      FunctionName: { Ref: 'Mirror' },
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    },
    {
      FunctionName: { Ref: 'Mirror' },
      Action: 'lambda:InvokeFunction',
      Principal: '*',
      InvokedViaFunctionUrl: true,
    },
  ])
})

test('the function may use its bucket, and nothing else', () => {
  expect(Mirror?.Properties['Policies']).toEqual([
    {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
          Resource: { Sub: '${Cache.Arn}/*' },
        },
        { Effect: 'Allow', Action: 's3:ListBucket', Resource: { GetAtt: 'Cache.Arn' } },
      ],
    },
  ])
  expect(Mirror?.Properties['Environment']).toMatchObject({
    Variables: { PULLWAY_S3_BUCKET: { Ref: 'Cache' } },
  })
  const { PublicAccessBlockConfiguration } = Cache?.Properties ?? {}
  expect(Object.values(PublicAccessBlockConfiguration as object)).toEqual([true, true, true, true])
})

test('every name that the template refers to is there', () => {
  const names = new Set([...Object.keys(template.Resources), ...Object.keys(template.Parameters)])
  const referred = [...references(template)]
  expect(referred).toContain('Cache')
  expect(referred.filter((name) => !names.has(name))).toEqual([])
})

test("secrets stand in the platform's store only", () => {
  const { Variables } = Mirror?.Properties['Environment'] as {
    Variables: Record<string, unknown>
  }
  for (const name of ['HUB_USER', 'HUB_TOKEN']) {
    const resolved = `{{resolve:secretsmanager:\${RegistrySecret}:SecretString:${name}}}`
    expect(Variables[name]).toEqual({ If: ['HasSecret', { Sub: resolved }, ''] })
  }
})

test("the kit's configuration is right, with and without the secret", () => {
  const text = readFileSync(new URL('pullway.yaml', kit), 'utf8')
  const read = (environment: Record<string, string>) =>
    parseConfig(text, { file: 'pullway.yaml', environment }).upstreams.get('docker.io')
      ?.endpoints[0]?.credentials
  expect(read({})).toBeUndefined()
  expect(read({ HUB_USER: '', HUB_TOKEN: '' })).toBeUndefined()
  expect(read({ HUB_USER: 'a', HUB_TOKEN: 'b' })).toEqual({ username: 'a', password: 'b' })
})

interface Template {
  readonly Parameters: Readonly<Record<string, object>>
  readonly Resources: Readonly<Record<string, Resource>>
}

/** CloudFormation's short forms: `!Ref X` as `{ Ref: 'X' }`. */
function readTemplate(): Template {
  const text = readFileSync(new URL('template.yaml', kit), 'utf8')
  const scalar = (name: string) => ({
    tag: `!${name}`,
    resolve: (value: string) => ({ [name]: value }),
  })
  const list = (name: string) => ({
    tag: `!${name}`,
    collection: 'seq' as const,
    resolve: (value: { toJSON(): unknown }) => ({ [name]: value.toJSON() }),
  })
  const customTags = [...['Ref', 'Sub', 'GetAtt'].map(scalar), ...['If', 'Not', 'Equals'].map(list)]
  return parse(text, { customTags, logLevel: 'error' }) as Template
}

function* references(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Ref') yield String(inner)
    else if (key === 'GetAtt') yield String(inner).split('.')[0] ?? ''
    else if (key === 'Sub') {
      for (const [, name = ''] of String(inner).matchAll(/\$\{(\w+)/g)) yield name
    } else yield* references(inner)
  }
}
