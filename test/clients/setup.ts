import { beforeEach } from 'vitest'
import { logTails } from './process.ts'

beforeEach(({ onTestFailed }) => {
  onTestFailed(() => console.error(logTails()))
})
