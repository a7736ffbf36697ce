import type { Config, UpstreamConfig, UsersConfig } from '../config/config.ts'
import { version } from '../version.ts'
import { toAddress } from './address.ts'
import { type Html, html } from './html.ts'
import { chooseLanguage } from './language.ts'
import { renderPage } from './page.ts'
import { type Mirrored, pullExamples, type Snippet, writeSnippets } from './snippets.ts'
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
  return renderPage({
    title: mirrored.address.host,
    language: chosen,
    path: '/',
    main: renderMain(mirrored, users, texts[chosen]),
    footer: `Pullway ${version}`,
  })
}

function renderMain(mirrored: Mirrored, users: UsersConfig | undefined, words: Texts): Html {
  return html`<h1>${mirrored.address.host}</h1>
    <p class="dim">${words.title}</p>
    <p>${words.about}</p>
    ${users ? renderLogin(mirrored, users, words) : html``} ${renderExamples(mirrored, words)}
    ${renderRegistries(mirrored, words)} ${renderSetUp(mirrored, words)} ${renderLinks(words)}`
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
