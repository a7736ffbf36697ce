/** wrangler.jsonc bundles such a file as its text. */
declare module '*.yaml' {
  const text: string
  export default text
}
