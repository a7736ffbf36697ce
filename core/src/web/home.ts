import type { Config } from '../config/config.ts'

export interface HomeOptions {
  /** Scheme and host by which the visitor sees this mirror. */
  readonly origin: string
  readonly config: Config
  readonly acceptLanguage: string | null
}

/** The page at /: what this mirror is, and how to use it, for the host it was asked on. */
export function renderHome({ origin, config }: HomeOptions): Response {
  const names = [...config.upstreams.keys()].map(escapeHtml).join(', ')
  return new Response(
    `<!doctype html><title>Pullway</title><p>${escapeHtml(origin)} mirrors ${names}</p>`,
    {
      headers: { 'content-type': 'text/html; charset=utf-8' },
    },
  )
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`)
}
