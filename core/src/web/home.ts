import type { Config, UpstreamConfig, UsersConfig } from '../config/config.ts'
import { version } from '../version.ts'
import { toAddress } from './address.ts'
import { type Html, html } from './html.ts'
import { chooseLanguage, type Language, languages } from './language.ts'
import { type Mirrored, pullExamples, type Snippet, writeSnippets } from './snippets.ts'
import { style, styleHash } from './style.ts'
import { type Texts, texts } from './texts.ts'

export interface HomeOptions {
  /** Scheme and host by which the visitor sees this mirror. */
  readonly origin: string
  readonly config: Config
  readonly acceptLanguage: string | null
  /** `?lang=`: it counts before what the browser prefers. */
  readonly language?: string | null
  /** What a name without a registry means on the host that was asked; else the configured default. */
  readonly hosted?: UpstreamConfig | undefined
}

/** The page at /: what this mirror is, and how to use it, for the host it was asked on. */
export function renderHome(options: HomeOptions): Response {
  const { origin, config, acceptLanguage, language = null, hosted } = options
  const upstreams = [...config.upstreams.values()]
  const fallback = hosted ?? upstreams.find(({ isDefault }) => isDefault)
  const chosen = chooseLanguage(language, acceptLanguage)
  const { users } = config.access
  const mirrored = { address: toAddress(origin), upstreams, fallback }
  const page = renderPage(mirrored, users, chosen)
  const body = new TextEncoder().encode(page.markup)
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

function renderPage(mirrored: Mirrored, users: UsersConfig | undefined, language: Language): Html {
  const words = texts[language]
  const { host } = mirrored.address
  // The empty icon keeps browsers from asking for /favicon.ico.
  return html`<!doctype html>
    <html lang="${words.tag}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${host} · Pullway</title>
        <link rel="icon" href="data:," />
        ${styleElement}
      </head>
      <body>
        <header>
          <b>Pullway</b>
          <nav>${renderLanguages(language)}</nav>
        </header>
        <main>
          <h1>${host}</h1>
          <p class="dim">${words.title}</p>
          <p>${words.about}</p>
          ${users ? renderLogin(mirrored, users, words) : html``} ${renderExamples(mirrored, words)}
          ${renderRegistries(mirrored, words)} ${renderSetUp(mirrored, words)} ${renderLinks(words)}
        </main>
        <footer>Pullway ${version}</footer>
      </body>
    </html> `
}

function renderLanguages(current: Language): readonly Html[] {
  return languages
    .filter((language) => language !== current)
    .map((language) => {
      const { tag, ownName } = texts[language]
      return html`<a href="/?lang=${language}" lang="${tag}" hreflang="${tag}">${ownName}</a>`
    })
}

function renderLogin({ address }: Mirrored, { anonymous }: UsersConfig, words: Texts): Html {
  return html`<h2>${words.logIn}</h2>
    <p>${anonymous ? words.logInForMore : words.logInFirst}</p>
    <pre>docker login ${address.host}</pre>
    <p>${words.logInOthers}</p>`
}

function renderExamples(mirrored: Mirrored, words: Texts): Html {
  const isOfficial = mirrored.fallback?.officialNamespace !== undefined
  const official = isOfficial ? words.official : html``
  const { host, isEncrypted, isLoopback } = mirrored.address
  const commands = pullExamples(mirrored).map((image) => `docker pull ${image}`)
  const warning = isEncrypted || isLoopback ? html`` : words.byNameOverHttp(host)
  return html`<h2>${words.tryIt}</h2>
    <pre>${commands.join('\n')}</pre>
    <p>${words.byName}${words.gap}${official}${words.gap}${warning}</p>`
}

function renderRegistries({ upstreams, fallback }: Mirrored, words: Texts): Html {
  const items = upstreams.map((upstream) => {
    const more = [...upstream.aliases, ...(upstream === fallback ? [words.isDefault] : [])]
    const small = more.length === 0 ? html`` : html`<small>${more.join(', ')}</small>`
    return html`<li>${upstream.name}${small}</li>`
  })
  return html`<h2>${words.registries}</h2>
    <ul class="names">
      ${items}
    </ul>
    <p class="dim">${words.closedWorld}</p>`
}

function renderSetUp(mirrored: Mirrored, words: Texts): Html {
  const { address, fallback } = mirrored
  const warning = address.isLoopback
    ? html`<p class="note">${words.loopback(address.origin)}</p>`
    : html``
  const dockerNote = fallback?.name === 'docker.io' ? '' : words.mirrorPath
  const snippets = writeSnippets(mirrored).map((snippet, index) =>
    renderSnippet(snippet, words, {
      isOpen: index === 0,
      more: snippet.client === 'docker' ? dockerNote : '',
    }),
  )
  return html`<h2>${words.setUp}</h2>
    <p>${words.keepsNames}</p>
    ${warning} ${snippets}`
}

function renderSnippet(
  { client, file, text }: Snippet,
  words: Texts,
  { isOpen, more }: { readonly isOpen: boolean; readonly more: string },
): Html {
  const { title, note } = words.clients[client]
  return html`<details${isOpen ? html` open` : html``}>
    <summary>${title}</summary>
    <p><code>${file}</code></p>
    <pre>${text}</pre>
    <p>${note}${words.gap}${more}</p>
  </details>`
}

function renderLinks({ links, healthz, readyz, metrics }: Texts): Html {
  const rows = Object.entries({ healthz, readyz, metrics }).map(
    ([name, meaning]) =>
      html`<dt><a href="/${name}">/${name}</a></dt>
        <dd>${meaning}</dd>`,
  )
  return html`<h2>${links}</h2>
    <dl>${rows}</dl>`
}
