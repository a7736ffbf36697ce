import { expect, test } from 'vitest'
import { createAdmit } from '../../../core/src/access/admit.ts'
import type { RegistryError } from '../../../core/src/errors.ts'
import { configOf } from '../support/config.ts'

/** What is said to who is not let in. */
function refusalOf(keys: string, address: string, userAgent: string | null): string | undefined {
  const admit = createAdmit(configOf(`access: { ${keys} }`).access)
  try {
    admit?.({ address }, userAgent)
  } catch (error) {
    const { code, status, rejection, message } = error as RegistryError
    expect({ code, status }).toEqual({ code: 'DENIED', status: 403 })
    expect(message).toMatch(/ask its operator/)
    return rejection
  }
  return undefined
}

const allow = (...networks: readonly string[]): string =>
  `networks: { allow: [${networks.map((network) => `"${network}"`).join(', ')}] }`
const deny = (...networks: readonly string[]): string => allow(...networks).replace('allow', 'deny')

test.each<[keys: string, address: string, isLetIn: boolean]>([
  ['networks: {}', '192.0.2.1', true],
  ['networks: {}', '-', true],
  [allow('10.0.0.0/8'), '10.255.0.1', true],
  [allow('10.0.0.0/8'), '11.0.0.1', false],
  [allow('10.0.0.0/8', '192.0.2.7'), '192.0.2.7', true],
  [allow('10.0.0.0/8', '192.0.2.7'), '192.0.2.8', false],
  [deny('10.0.0.0/8'), '10.0.0.1', false],
  [deny('10.0.0.0/8'), '192.0.2.1', true],
  // Deny wins.
  ['networks: { allow: [10.0.0.0/8], deny: [10.1.0.0/16] }', '10.0.0.1', true],
  ['networks: { allow: [10.0.0.0/8], deny: [10.1.0.0/16] }', '10.1.0.1', false],
  ['networks: { allow: [10.1.0.0/16], deny: [10.0.0.0/8] }', '10.1.0.1', false],
  // IPv6
  [allow('2001:db8::/32'), '2001:db8:ffff::1', true],
  [allow('2001:db8::/32'), '2001:db9::1', false],
  [allow('2001:DB8::/32'), '2001:0db8:0000::0001', true],
  [deny('fe80::/10'), 'fe80::1%eth0', false],
  [allow('::1'), '::1', true],
  [allow('::1'), '::2', false],
  // An IPv4 client of a dual-stack socket, and networks written that way.
  [allow('10.0.0.0/8'), '::ffff:10.0.0.1', true],
  [deny('10.0.0.0/8'), '::ffff:10.0.0.1', false],
  [deny('10.0.0.0/8'), '::FFFF:0a00:0001', false],
  [deny('10.0.0.0/8'), '0:0:0:0:0:ffff:a00:1', false],
  [deny('::ffff:10.0.0.0/104'), '10.0.0.1', false],
  [deny('::ffff:10.0.0.0/104'), '11.0.0.1', true],
  [deny('::ffff:10.0.0.0/104'), '::ffff:10.0.0.1', false],
  // Everything of one kind.
  [allow('0.0.0.0/0'), '192.0.2.1', true],
  [allow('0.0.0.0/0'), '2001:db8::1', false],
  [allow('::/0'), '2001:db8::1', true],
  [allow('::/0'), '192.0.2.1', false],
  [deny('0.0.0.0/0'), '::ffff:192.0.2.1', false],
  // What is no address is on no list.
  [allow('10.0.0.0/8'), '-', false],
  [allow('0.0.0.0/0', '::/0'), '-', false],
  [allow('0.0.0.0/0', '::/0'), '', false],
  [allow('10.0.0.0/8'), '10.1', false],
  [allow('10.0.0.0/8'), '0x0a.0.0.1', false],
  [allow('10.0.0.0/8'), '012.0.0.1', false],
  [allow('10.0.0.0/8'), '167772161', false],
  [allow('10.0.0.0/8'), ' 10.0.0.1', false],
  [allow('10.0.0.0/8'), '10.0.0.1, 192.0.2.1', false],
  [deny('10.0.0.0/8'), '-', true],
])('{ %s }: %s', (keys, address, isLetIn) => {
  expect(refusalOf(keys, address, null)).toBe(isLetIn ? undefined : 'network')
})

test.each<[userAgent: string | null, isLetIn: boolean]>([
  [null, true],
  ['', true],
  ['docker/27.0', true],
  ['BadBot/1.0', false],
  ['Mozilla (compatible; BADBOT)', false],
  ['badbo t', true],
  ['python-requests/2.0', false],
])('userAgents: { deny: [BadBot, Python-] }: %s', (userAgent, isLetIn) => {
  const refusal = refusalOf('userAgents: { deny: [BadBot, Python-] }', '192.0.2.1', userAgent)
  expect(refusal).toBe(isLetIn ? undefined : 'user-agent')
})
