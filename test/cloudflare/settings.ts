import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')

const kit = join(root, 'deploy/cloudflare')

/** The kit's wrangler.jsonc with every line that it has in reserve, for a folder elsewhere. */
export function completeSettings(variables: Readonly<Record<string, string>> = {}): string {
  const entry = JSON.stringify(join(kit, 'worker.ts'))
  return readFileSync(join(kit, 'wrangler.jsonc'), 'utf8')
    .replaceAll(/^( *)\/\/ (?="|\{|\}|\]| )/gm, '$1')
    .replace('"worker.ts"', () => entry)
    .replace(/(?<="base_dir": )"(.+)"/, (_, folder: string) => JSON.stringify(join(kit, folder)))
    .replace(/(?<="vars": )\{.*\}/, (own) =>
      JSON.stringify({ ...(JSON.parse(own) as object), ...variables }),
    )
}
