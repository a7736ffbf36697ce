/** As in package.json; a test compares the two. */
export const version = '0.1.0'

/** The product's own name on every request that it sends. */
export const userAgent: string = `pullway/${version}`
