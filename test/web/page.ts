import { parseConfig } from '@pullway/core/config'
import { type HomeOptions, renderHome } from '../../core/src/web/home.ts'

export interface Asked extends Partial<Omit<HomeOptions, 'config' | 'hosted'>> {
  /** YAML. */
  readonly config?: string
  /** The upstream that the host means. */
  readonly hosted?: string
}

export function askHome({ config: text = '', hosted, ...given }: Asked = {}): Response {
  const config = parseConfig(text, { file: 'pullway.yaml', environment: {} })
  return renderHome({
    origin: 'https://mirror.example.com',
    acceptLanguage: null,
    ...given,
    config,
    hosted: hosted === undefined ? undefined : config.upstreams.get(hosted),
  })
}

/** What a reader sees of the blocks that are there to be copied. */
export async function copiedFrom(response: Response): Promise<readonly string[]> {
  const page = await response.text()
  return [...page.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, markup = '']) => toText(markup))
}

function toText(markup: string): string {
  return markup.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
