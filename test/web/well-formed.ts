import { expect } from 'vitest'

/** Every element that opens also closes. */
export function expectWellFormed(page: string): void {
  const open: string[] = []
  for (const [, slash, name = '', rest] of page.matchAll(/<(\/?)([a-z0-9]+)([^<>]*)>/g)) {
    if (rest?.endsWith('/')) continue
    if (slash === '/') expect(open.pop()).toBe(name)
    else open.push(name)
  }
  expect(open).toEqual([])
}
