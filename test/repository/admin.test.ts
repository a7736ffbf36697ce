import type { AdminModule } from '@pullway/core'
import { expect, test } from 'vitest'
import { alice, createAdminWorld, manifest } from '../admin/world.ts'

/** As adapters load them: one makes its description, the other brings it along. */
const built = '../../core/dist/admin'
const entries = ['index.js', 'plain.js'] as const

test('both builds of the admin API answer the same', async () => {
  const all = await Promise.all(
    entries.map(async (file) => {
      const { mirror } = createAdminWorld({
        loadAdmin: () => import(`${built}/${file}`) as Promise<AdminModule>,
      })
      await mirror.get(manifest)
      const answers: unknown[] = []
      for (const path of [
        '/api/openapi.json',
        '/api/docs?lang=zh',
        '/api/v1/upstreams',
        '/api/v1/upstreams/docker.io',
        '/api/v1/upstreams/docker.io/',
        '/api/v1/upstreams/a%2Fb',
        '/api/v1/upstreams/%ZZ',
        '/api/nothing',
        '/api',
      ]) {
        for (const method of ['GET', 'HEAD', 'POST']) {
          const response = await mirror.fetch(path, { method, headers: alice })
          const headers = [...response.headers]
          answers.push([method, path, response.status, headers, await response.text()])
        }
      }
      expect(JSON.stringify(answers)).toContain('"remaining')
      return answers
    }),
  )
  expect(all[1]).toEqual(all[0])
  expect(all[0]?.length).toBe(27)
})
