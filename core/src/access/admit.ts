import type { AccessConfig } from '../config/config.ts'
import { RegistryError } from '../errors.ts'
import type { Client } from './client.ts'
import { createNetworks } from './networks.ts'

/** Throws DENIED for whom the operator does not let in at all. */
export type Admit = (client: Pick<Client, 'address'>, userAgent: string | null) => void

/** Undefined where everybody is let in. */
export function createAdmit({
  networks,
  userAgents,
}: Pick<AccessConfig, 'networks' | 'userAgents'>): Admit | undefined {
  const lists = [networks.allow, networks.deny, userAgents.deny]
  if (lists.every(({ length }) => length === 0)) return undefined
  const isAllowed = createNetworks(networks.allow)
  const isDenied = createNetworks(networks.deny)
  const needsAllowance = networks.allow.length > 0

  return ({ address }, userAgent) => {
    // An address that nobody knows is on no list.
    if (isDenied(address) || (needsAllowance && !isAllowed(address))) {
      throw notAdmitted('network', `your address (${address})`)
    }
    const agent = userAgents.deny.length === 0 ? '' : (userAgent ?? '').toLowerCase()
    if (userAgents.deny.some((part) => agent.includes(part))) {
      throw notAdmitted('user-agent', 'your program (its User-Agent)')
    }
  }
}

function notAdmitted(rejection: string, what: string): RegistryError {
  return new RegistryError(
    'DENIED',
    `this mirror does not serve ${what}: ask its operator to let you in`,
    { rejection },
  )
}
