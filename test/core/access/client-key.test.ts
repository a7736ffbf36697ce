import { expect, test } from 'vitest'
import { toClientKey } from '../../../core/src/access/client-key.ts'

test.each<[user: string | undefined, address: string, key: string]>([
  ['alice', '192.0.2.1', 'user/alice'],
  ['alice', '2001:db8::1', 'user/alice'],
  [undefined, '192.0.2.1', 'address/192.0.2.1'],
  [undefined, '::ffff:192.0.2.1', 'address/192.0.2.1'],
  [undefined, '2001:db8:1:2:3:4:5:6', 'address/2001:db8:1:2::/64'],
  [undefined, '2001:db8:1:2:ffff::', 'address/2001:db8:1:2::/64'],
  [undefined, '2001:0DB8:0001:0002::9', 'address/2001:db8:1:2::/64'],
  [undefined, '2001:db8:1:3::1', 'address/2001:db8:1:3::/64'],
  [undefined, '::1', 'address/0:0:0:0::/64'],
  [undefined, 'fe80::1%eth0', 'address/fe80:0:0:0::/64'],
  [undefined, '-', 'address/unknown'],
  [undefined, '', 'address/unknown'],
  // A user's name cannot be made to look like an address.
  ['../address/192.0.2.1', '-', 'user/../address/192.0.2.1'],
])('%s at %s is %s', (user, address, key) => {
  expect(toClientKey(user, address)).toBe(key)
})
