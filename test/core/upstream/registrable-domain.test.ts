import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getDomain } from 'tldts'
import {
  edgeChild,
  edgeLength,
  edgeStart,
  exceptionsRoot,
  labelText,
  nodeFlags,
  rulesRoot,
} from 'tldts/dist/es6/src/data/trie.js'
import { expect, test } from 'vitest'
import { builtInRegistries } from '../../../core/src/config/registries.ts'
import { registrableDomain } from '../../../core/src/upstream/registrable-domain.ts'
import { root } from '../../repository/sources.ts'
import { runProgram } from '../../repository/run-program.ts'

/** The list as another package has it, and that package's answer. */
const domainOf = (hostname: string): string | undefined =>
  getDomain(hostname, { allowPrivateDomains: true }) ?? undefined

const offsets = Array.from(edgeLength, () => 0)
for (let edge = 1; edge < offsets.length; edge++)
  offsets[edge] = offsets[edge - 1]! + edgeLength[edge - 1]!

function rulesBelow(node: number, name = ''): readonly string[] {
  const rules = nodeFlags[node] === 0 ? [] : [name]
  for (let edge = edgeStart[node]!; edge < edgeStart[node + 1]!; edge++) {
    const label = labelText.slice(offsets[edge], offsets[edge]! + edgeLength[edge]!)
    rules.push(...rulesBelow(edgeChild[edge]!, name === '' ? label : `${label}.${name}`))
  }
  return rules
}

/** As a URL would write it. */
const toHostname = (rule: string): string => new URL(`https://${rule.replace('*', 'any')}`).hostname

const hosts = [...rulesBelow(rulesRoot), ...rulesBelow(exceptionsRoot)].map(toHostname)
const prefixes = ['', 'a.', 'registry.', 'b.registry.', 'c.d.e.']

test('every rule of the list makes the same domain as in the package that it is taken from', () => {
  const wrong = hosts.flatMap((host) =>
    prefixes
      .map((prefix) => prefix + host)
      .filter((name) => registrableDomain(name) !== domainOf(name)),
  )
  // Names below a rule that are taken for rules by chance: two in 7 000 of them each time.
  expect(hosts.length).toBeGreaterThan(11_000)
  expect(wrong.length).toBeLessThan(40)
  for (const name of wrong) expect(isStricter(name), name).toBe(true)
})

test('a name of no rule is taken for a rule once in some thousand times, and then is stricter', () => {
  const names = Array.from(
    { length: 20_000 },
    (_, place) => `r${place}.n${place % 977}.example.com`,
  )
  const wrong = names.filter((name) => registrableDomain(name) !== domainOf(name))
  expect(wrong.length).toBeLessThan(40)
  for (const name of wrong) expect(isStricter(name), name).toBe(true)
})

/** No domain, or one below the true one: fewer hosts are of one site. */
function isStricter(name: string): boolean {
  const ours = registrableDomain(name)
  return ours === undefined || ours.endsWith(`.${domainOf(name) ?? ''}`)
}

test('the registries that are built in have the domains that they have', () => {
  const names = builtInRegistries.flatMap(({ ownHosts, endpoint, realmHosts }) => [
    ...ownHosts,
    new URL(endpoint).hostname,
    ...realmHosts,
  ])
  expect(names.length).toBeGreaterThan(12)
  for (const name of names) expect(registrableDomain(name), name).toBe(domainOf(name))
})

test.each([
  ['registry.example.co.uk', 'example.co.uk'],
  ['a.b.example.com', 'example.com'],
  ['example.com.', 'example.com'],
  ['one.github.io', 'one.github.io'],
  ['github.io', undefined],
  ['co.uk', undefined],
  ['com', undefined],
  ['www.ck', 'www.ck'],
  ['a.www.ck', 'www.ck'],
  ['other.ck', undefined],
  ['a.other.ck', 'a.other.ck'],
  ['a.city.kobe.jp', 'city.kobe.jp'],
  ['a.b.kobe.jp', 'a.b.kobe.jp'],
  ['registry.internal', 'registry.internal'],
  ['xn--55qx5d.cn', undefined],
  ['a.xn--55qx5d.cn', 'a.xn--55qx5d.cn'],
  ['127.0.0.1', undefined],
  ['[::1]', undefined],
  ['localhost', undefined],
  ['', undefined],
  ['.', undefined],
  ['..', undefined],
  ['.com', undefined],
  ['example..com', undefined],
  ['example.com..', undefined],
  ['-.example.com', undefined],
  ['example-.com', undefined],
  ['example.com-', undefined],
  ['*.ck', undefined],
  ['__proto__', undefined],
  ['constructor.com', 'constructor.com'],
])('the domain of %j is %j', (hostname, domain) => {
  expect(registrableDomain(hostname)).toBe(domain)
})

test('a name longer than DNS takes has no domain', () => {
  expect(registrableDomain(`${'a'.repeat(63)}.com`)).toBeDefined()
  expect(registrableDomain(`${'a'.repeat(64)}.com`)).toBeUndefined()
  expect(registrableDomain(`${'a.'.repeat(126)}com`)).toBe('a.com')
  expect(registrableDomain(`${'a.'.repeat(127)}com`)).toBeUndefined()
})

test('what is in the repository is what the list makes', async () => {
  const { code, output } = await runProgram(process.execPath, [
    join(root, 'core/public-suffixes.mjs'),
  ])
  expect(code, output).toBe(0)
  const written = readFileSync(join(root, 'core/src/upstream/public-suffixes.ts'), 'utf8')
  expect(written === output, '`npm run suffixes` was not run after an update of tldts').toBe(true)
})
