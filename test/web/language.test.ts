import { expect, test } from 'vitest'
import { chooseLanguage } from '../../core/src/web/language.ts'
import { askHome } from './page.ts'

test.each([
  [null, null, 'en'],
  [null, '', 'en'],
  [null, '*', 'en'],
  [null, 'en-US,en;q=0.9', 'en'],
  [null, 'zh', 'zh'],
  [null, 'zh-CN,zh;q=0.9,en-US;q=0.8', 'zh'],
  [null, 'ZH-Hant-TW', 'zh'],
  [null, 'fr,zh;q=0.5', 'zh'],
  [null, 'en;q=0.5, zh;q=0.7', 'zh'],
  [null, 'zh;q=0.5,en', 'en'],
  [null, 'en,zh', 'en'],
  [null, 'zh;q=0', 'en'],
  [null, 'zh;q=x', 'zh'],
  [null, 'zhx,enx', 'en'],
  ['zh', 'en', 'zh'],
  ['en', 'zh', 'en'],
  ['zh-CN', null, 'zh'],
  ['fr', 'zh', 'zh'],
  ['', 'zh', 'zh'],
  ['<b>', null, 'en'],
])('asked %j, accepts %j: %s', (asked, accepted, language) => {
  expect(chooseLanguage(asked, accepted)).toBe(language)
})

test.each([
  ['en', '<html lang="en">', '<a href="/?lang=zh" lang="zh-CN"', '中文'],
  ['zh', '<html lang="zh-CN">', '<a href="/?lang=en" lang="en"', 'English'],
])('the page in %s leads to the other one', async (language, ...expected) => {
  const page = await askHome({ language }).text()
  for (const text of expected) expect(page).toContain(text)
})

test('both pages show the same commands and files', async () => {
  const [english, chinese] = await Promise.all(
    ['en', 'zh'].map(async (language) => {
      const page = await askHome({ language, origin: 'http://mirror.lan:5000' }).text()
      return [...page.matchAll(/<pre>.*?<\/pre>|<summary>|<dt>.*?<\/dt>/gs)].map(([text]) => text)
    }),
  )
  expect(english!.length).toBeGreaterThan(10)
  expect(chinese).toEqual(english)
})
