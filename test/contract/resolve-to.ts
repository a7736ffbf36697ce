import type { LookupFunction } from 'node:net'

/** Resolves every name to the same addresses. */
export function resolveTo(...addresses: readonly string[]): LookupFunction {
  return (_hostname, _options, callback) => {
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
}
