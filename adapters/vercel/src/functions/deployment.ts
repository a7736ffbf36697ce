import type { Environment } from '../services.ts'

/** Put in by the build of the function (build-output.mjs). */
declare const PULLWAY_DOCUMENT: string

/** Vercel brings this to both runtimes; edge has nothing else of it. */
declare const process: { readonly env: Environment }

export const bundledDocument: string = PULLWAY_DOCUMENT

export const environment: Environment = process.env
