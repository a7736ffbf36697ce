import { type Html, html } from './html.ts'
import { type Language, languages } from './language.ts'
import { style, styleHash } from './style.ts'
import { texts } from './texts.ts'

export interface Page {
  readonly title: string
  readonly language: Language
  /** Where the page is, for its copy in another language. */
  readonly path: string
  readonly main: Html
  readonly footer: string
}

/** A page that loads nothing from anywhere and keeps nothing anywhere. */
export function renderPage({ title, language, path, main, footer }: Page): Response {
  // The empty icon keeps browsers from asking for /favicon.ico.
  const { markup } = html`<!doctype html>
    <html lang="${texts[language].tag}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Pullway</title>
        <link rel="icon" href="data:," />
        ${styleElement}
      </head>
      <body>
        <header>
          <b>Pullway</b>
          <nav>${renderLanguages(language, path)}</nav>
        </header>
        <main>${main}</main>
        <footer>${footer}</footer>
      </body>
    </html> `
  const body = new TextEncoder().encode(markup)
  return new Response(body, {
    headers: { ...headers, 'content-length': String(body.byteLength) },
  })
}

/** Not in the template, whose white space is the formatter's: a byte more, and the hash is another. */
const styleElement: Html = { markup: `<style>${style}</style>` }

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    `default-src 'none'; style-src '${styleHash}'; img-src data:; ` +
    `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  vary: 'accept-language',
  // It is made of the Host header: a shared cache must not keep one visitor's for the next.
  'cache-control': 'no-store',
}

function renderLanguages(current: Language, path: string): readonly Html[] {
  return languages
    .filter((language) => language !== current)
    .map((language) => {
      const { tag, ownName } = texts[language]
      return html`<a href="${path}?lang=${language}" lang="${tag}" hreflang="${tag}">${ownName}</a>`
    })
}
