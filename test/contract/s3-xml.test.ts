import { describe, expect, test } from 'vitest'
import { code, element, escape, hasRoot } from '../../adapters/s3/src/xml.ts'

const id = (text: string): string | undefined => element(text, 'Result', 'Id')

describe('an element', () => {
  test.each([
    { xml: '<Result><Id>abc</Id></Result>', text: 'abc' },
    { xml: '<?xml version="1.0" encoding="UTF-8"?>\n<Result><Id>abc</Id></Result>\n', text: 'abc' },
    { xml: '  \n <Result xmlns="http://s3/"><Other/><Id>abc</Id></Result>', text: 'abc' },
    { xml: '<Result>\n  <Key>k</Key>\n  <Id>a b</Id>\n</Result>', text: 'a b' },
    { xml: '<Result><Id></Id></Result>', text: '' },
    { xml: '<Result><Id>&amp;&lt;&gt;&quot;&apos;&#43;&#x2B;</Id></Result>', text: `&<>"'++` },
    { xml: '<Result><Id>&amp;lt;</Id></Result>', text: '&lt;' },
  ])('$xml', ({ xml, text }) => {
    expect(id(xml)).toBe(text)
  })
})

describe('no element', () => {
  test.each([
    '',
    'abc',
    '<Id>abc</Id>',
    '<Result>',
    '<Result><Id>abc',
    '<Result><Id>abc</Id>',
    '<Result><Id>abc</Id></Resul',
    '<Result></Result>',
    '<Result><Id>a</Id><Id>b</Id></Result>',
    '<Result><Id>a</Id></Result><Result><Id>b</Id></Result>',
    '<Result><Id><Inner>a</Inner></Id></Result>',
    '<Result><Id>a<Id></Id></Result>',
    '<Result></Id><Id></Result>',
    '<Other><Id>abc</Id></Result>',
    '<Results><Id>abc</Id></Results>',
    '<Result><!-- <Id>abc</Id> --></Result>',
    '<Result><![CDATA[<Id>abc</Id>]]></Result>',
    '<!DOCTYPE r [<!ENTITY e "abc">]><Result><Id>&e;</Id></Result>',
    '<Result><Id>&e;</Id></Result>',
    '<Result><Id>&toString;</Id></Result>',
    '<Result><Id>&amp</Id></Result>',
    '<Result><Id>a & b</Id></Result>',
    '<Result><Id>&#0;</Id></Result>',
    '<Result><Id>&#10;</Id></Result>',
    '<Result><Id>&#x1F600;</Id></Result>',
    '<Result><Id>&#99999999;</Id></Result>',
  ])('%s', (xml) => {
    expect(id(xml)).toBeUndefined()
  })
})

test.each([
  { xml: '<Error><Code>NoSuchKey</Code><Message>a</Message></Error>', expected: 'NoSuchKey' },
  { xml: '<Error><Code>no code, but a story</Code></Error>', expected: undefined },
  { xml: `<Error><Code>${'a'.repeat(65)}</Code></Error>`, expected: undefined },
  { xml: '<html><Code>NoSuchKey</Code></html>', expected: undefined },
])('the code of $xml', ({ xml, expected }) => {
  expect(code(xml)).toBe(expected)
})

test('a long hostile document is read in no time', () => {
  for (const piece of [
    '<Id>',
    '</Id>',
    '<Result>',
    ' ',
    '&',
    '&amp;',
    '<?xml ',
    '<Result xmlns="',
  ]) {
    const before = performance.now()
    expect(id(piece.repeat(64_000 / piece.length))).toBeUndefined()
    expect(hasRoot(`<Result>${piece.repeat(64_000 / piece.length)}`, 'Result')).toBe(false)
    expect(performance.now() - before).toBeLessThan(500)
  }
})

test('what is escaped comes back', () => {
  const text = `"a&b<c>d'e"`
  expect(escape(text)).not.toMatch(/["<>']/)
  expect(id(`<Result><Id>${escape(text)}</Id></Result>`)).toBe(text)
})
