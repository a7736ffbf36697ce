import { parseAddress } from './networks.ts'

/** Of an IPv6 address, what a provider gives to one customer: whoever has it may change the rest at will. */
const customerGroups = 4

/** What limits count by: the user who has logged in, else the address. */
export function toClientKey(user: string | undefined, address: string): string {
  if (user !== undefined) return `user/${user}`
  const parsed = parseAddress(address)
  if (!parsed) return 'address/unknown'
  if (!('parts' in parsed)) return `address/${parsed.toString()}`
  const groups = parsed.parts.slice(0, customerGroups).map((group) => group.toString(16))
  return `address/${groups.join(':')}::/64`
}
