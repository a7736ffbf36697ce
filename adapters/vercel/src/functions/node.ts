import { createHandler, type Handler } from '../node.ts'
import { bundledDocument, environment } from './deployment.ts'

/** What Vercel's Node runtime takes for a web handler. */
const entry: { readonly fetch: Handler } = {
  fetch: createHandler(environment, { document: bundledDocument }),
}

export default entry
