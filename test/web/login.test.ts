import { expect, test } from 'vitest'
import { askHome } from './page.ts'

const users = (anonymous: boolean): string =>
  `access: { users: { entries: ["alice:$2y$x"], anonymous: ${String(anonymous)} } }`

test.each([
  ['en', true, 'Pulling needs no login'],
  ['en', false, 'This mirror is for its users'],
  ['zh', true, '不登录也可以拉取'],
  ['zh', false, '仅供授权用户使用'],
])('%s, anonymous: %s: the page says how to log in', async (language, anonymous, words) => {
  const origin = 'https://pull.example.com'
  const text = await askHome({ origin, language, config: users(anonymous) }).text()
  expect(text).toContain(words)
  expect(text).toContain('<pre>docker login pull.example.com</pre>')
  expect(text).not.toContain('alice')
})

test.each(['en', 'zh'])('%s: without users there is nothing about it', async (language) => {
  expect(await askHome({ language }).text()).not.toContain('docker login')
})
