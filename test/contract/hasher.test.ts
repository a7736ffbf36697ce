import { createNodeHasher } from '../../adapters/node/src/hasher.ts'
import { describeHasher } from './hasher.ts'

describeHasher('node:crypto', createNodeHasher)
