import { createHandler, type Handler } from '../edge.ts'
import { bundledDocument, environment } from './deployment.ts'

const handler: Handler = createHandler(environment, { document: bundledDocument })

export default handler
