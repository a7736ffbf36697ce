import { onTestFinished } from 'vitest'
import { createNodeFetch } from '../../adapters/node/src/fetch.ts'
import { describeFetch } from './fetch.ts'

describeFetch('undici', async () => {
  const fetch = createNodeFetch({ connectMs: 5000 })
  onTestFinished(() => fetch.close())
  return fetch
})
