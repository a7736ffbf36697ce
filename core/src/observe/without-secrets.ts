/** Addresses and headers as they may stand in a log or a message: our own secrets are starred out. */
export function withoutSecrets<T extends string | null>(text: T): T
export function withoutSecrets(text: string | null): string | null {
  if (text === null || !mayHoldSecret.test(text)) return text
  return text
    .replace(secretPath, '$1***')
    .replaceAll(ownSecret, '$1***')
    .replaceAll(secretField, '$1***')
}

const mayHoldSecret = /\/t\/|pw[tr]_|password=|token=/i
/** /t/<secret>, also where the secret is mistyped; /t/v2/ is the alias `t`. */
const secretPath = /^((?:https?:\/\/[^/]*)?\/+t\/+)(?!v2(?:[/?#]|$))[^/?#]+/i
const ownSecret = /(pw[tr]_)\w+/gi
/** In a query, where they do not belong. */
const secretField = /\b((?:password|refresh_token|access_token|token)=)[^&#\s]+/gi
