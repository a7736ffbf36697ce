import { expect, test } from 'vitest'
import { withoutSecrets } from '../../../core/src/observe/without-secrets.ts'

const secret = `pwt_${'5e'.repeat(32)}`

test.each([
  [`/t/${secret}/v2/`, '/t/***/v2/'],
  ['/t/mistyped/v2/', '/t/***/v2/'],
  ['/t/mistyped', '/t/***'],
  ['/t/mistyped?x', '/t/***?x'],
  ['//t//mistyped/v2/', '//t//***/v2/'],
  ['/T/mistyped/v2/', '/T/***/v2/'],
  [`https://mirror.test/t/${secret}/v2/x`, 'https://mirror.test/t/***/v2/x'],
  [`/v2/t/${secret}/tags/list`, '/v2/t/pwt_***/tags/list'],
  [`curl/8 ${secret}`, 'curl/8 pwt_***'],
  [`curl/8 ${secret.toUpperCase()}`, 'curl/8 PWT_***'],
  [`/token?refresh_token=pwr_${'0'.repeat(64)}&x=1`, '/token?refresh_token=***&x=1'],
  [
    '/token?grant_type=password&username=a&password=b%20c',
    '/token?grant_type=password&username=a&password=***',
  ],
  ['/t/v2/library/nginx/tags/list', '/t/v2/library/nginx/tags/list'],
  ['/t/v2', '/t/v2'],
  ['/v2/t/nginx/manifests/latest', '/v2/t/nginx/manifests/latest'],
  ['/token?offline_token=true', '/token?offline_token=true'],
  ['/v2/library/nginx/manifests/latest', '/v2/library/nginx/manifests/latest'],
  [null, null],
])('%s is logged as %s', (text, logged) => {
  expect(withoutSecrets(text)).toBe(logged)
})
