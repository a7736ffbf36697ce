export const languages = ['en', 'zh'] as const

export type Language = (typeof languages)[number]

/** The language that was asked for by name, else what the browser prefers, else English. */
export function chooseLanguage(asked: string | null, acceptLanguage: string | null): Language {
  return toLanguage(asked ?? '') ?? preferred(acceptLanguage ?? '') ?? 'en'
}

/** RFC 9110, section 12.5.4; of equal weights the first. */
function preferred(acceptLanguage: string): Language | undefined {
  let best: Language | undefined
  let bestWeight = 0
  for (const item of acceptLanguage.split(',')) {
    const [range = '', parameter = ''] = item.split(';')
    const language = toLanguage(range)
    const weight = Number(/^\s*q=([\d.]+)\s*$/i.exec(parameter)?.[1] ?? 1)
    if (!language || !(weight > bestWeight)) continue
    best = language
    bestWeight = weight
  }
  return best
}

/** Any Chinese is answered in simplified Chinese, which its readers take rather than English. */
function toLanguage(range: string): Language | undefined {
  const primary = range.trim().toLowerCase().split('-')[0]
  return languages.find((language) => language === primary)
}
