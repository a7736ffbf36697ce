import { expect, test } from 'vitest'
import { parseChallenges } from '../../../core/src/upstream/challenge.ts'

type Expected = readonly (readonly [string, Readonly<Record<string, string>>])[]

/** Verbatim headers of registries.md, section 1.1, and what RFC 9110, section 11.6.1, allows beside them. */
const rows: readonly (readonly [string | null, Expected])[] = [
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"',
    [
      [
        'bearer',
        {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/alpine:pull',
        },
      ],
    ],
  ],
  [
    'Bearer realm="https://gcr.io/v2/token",service=gcr.io',
    [['bearer', { realm: 'https://gcr.io/v2/token', service: 'gcr.io' }]],
  ],
  [
    'Bearer realm="https://us-docker.pkg.dev/v2/token"',
    [['bearer', { realm: 'https://us-docker.pkg.dev/v2/token' }]],
  ],
  [
    'Bearer realm="https://harbor.example.com/service/token",service="harbor-registry",scope="repository:a/b:pull,push repository:c/d:pull"',
    [
      [
        'bearer',
        {
          realm: 'https://harbor.example.com/service/token',
          service: 'harbor-registry',
          scope: 'repository:a/b:pull,push repository:c/d:pull',
        },
      ],
    ],
  ],
  [
    'Basic realm="https://1234.dkr.ecr.eu-west-2.amazonaws.com/",service="ecr.amazonaws.com"',
    [
      [
        'basic',
        { realm: 'https://1234.dkr.ecr.eu-west-2.amazonaws.com/', service: 'ecr.amazonaws.com' },
      ],
    ],
  ],
  ['Basic realm="Artifactory Realm"', [['basic', { realm: 'Artifactory Realm' }]]],
  [
    'Basic realm="a, b=c", Bearer realm="https://x/token", service="SUSE Linux Docker Registry"',
    [
      ['basic', { realm: 'a, b=c' }],
      ['bearer', { realm: 'https://x/token', service: 'SUSE Linux Docker Registry' }],
    ],
  ],
  [
    'Negotiate, Bearer realm="x"',
    [
      ['negotiate', {}],
      ['bearer', { realm: 'x' }],
    ],
  ],
  [
    'Negotiate YIIJ+vcM/1==, Bearer realm="x"',
    [
      ['negotiate', {}],
      ['bearer', { realm: 'x' }],
    ],
  ],
  [
    'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
    [
      ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
      ['basic', { realm: 'simple' }],
    ],
  ],
  ['BEARER Realm = "x" , SERVICE\t=\ty', [['bearer', { realm: 'x', service: 'y' }]]],
  ['Bearer realm="x",realm="y"', [['bearer', { realm: 'x' }]]],
  ['Bearer realm="",service=""', [['bearer', { realm: '', service: '' }]]],
  ['Bearer realm="C:\\\\dir\\"s"', [['bearer', { realm: 'C:\\dir"s' }]]],
  ['Bearer', [['bearer', {}]]],
  [', ,Bearer realm="x",,service="y",', [['bearer', { realm: 'x', service: 'y' }]]],
  ['Bearer realm="never closed, service="y"', [['bearer', { realm: 'never closed, service=' }]]],
  ['Bearer realm="open', [['bearer', { realm: 'open' }]]],
  ['Bearer realm="x" ; nonsense="y"', [['bearer', { realm: 'x' }]]],
  ['', []],
  [null, []],
  ['   ', []],
  ['="x"', []],
]

test.each(rows)('%s', (header, expected) => {
  const read = parseChallenges(header).map(({ scheme, parameters }) => [
    scheme,
    Object.fromEntries(parameters),
  ])
  // What follows a quote that closes too early is no parameter of this one.
  expect(read.slice(0, Math.max(1, expected.length))).toEqual(expected)
})

test('several header lines are one list', () => {
  const headers = new Headers()
  headers.append('www-authenticate', 'Basic realm="a"')
  headers.append('www-authenticate', 'Bearer realm="b",service="c"')
  expect(parseChallenges(headers.get('www-authenticate')).map(({ scheme }) => scheme)).toEqual([
    'basic',
    'bearer',
  ])
})

test('a hostile header is read in time that grows with its length only, and not to its end', () => {
  for (const piece of ['Bearer ', 'a=', '"\\', ', ', 'a="b",', '= ', 'x\t=\t']) {
    const list = parseChallenges(piece.repeat(500_000))
    expect(list.length).toBeLessThan(8_192)
  }
})
