import { expect, test } from 'vitest'
import { makeFolder, startNode, type Outcome } from './node-process.ts'

const source = (name: string): string =>
  JSON.stringify(new URL(`../../adapters/node/src/${name}.ts`, import.meta.url).href)

/** Runs that as a server's process would: watched for faults, and alive until it says so. */
async function runWatched(code: string): Promise<Outcome> {
  await using folder = await makeFolder()
  const script = `
    import { createConsoleLogger } from ${source('logger')}
    import { watchForFaults } from ${source('run')}
    watchForFaults(createConsoleLogger({ format: 'json', level: 'info' }))
    const alive = setTimeout(() => {}, 60_000)
    ${code}`
  await using running = startNode(['--input-type=module', '--eval', script], { cwd: folder.path })
  return { code: (await running.exited).code, ...running.output() }
}

test('a rejection that nobody handles is logged, and the others go on', async () => {
  const { code, stdout, stderr } = await runWatched(`
    void Promise.reject(new Error('lost'))
    setImmediate(() => setImmediate(() => {
      console.log('still here')
      clearTimeout(alive)
    }))`)
  expect(stdout).toBe('still here\n')
  expect(JSON.parse(stderr)).toMatchObject({
    level: 'error',
    message: 'A rejection was not handled',
    error: expect.stringMatching(/^Error: lost\n/) as string,
  })
  expect(code).toBe(0)
})

test('an exception that nobody caught is logged, and ends the process with 1', async () => {
  const { code, stderr } = await runWatched(`setImmediate(() => { throw new Error('broken') })`)
  expect(JSON.parse(stderr)).toMatchObject({
    level: 'error',
    message: 'An exception was not caught',
    error: expect.stringMatching(/^Error: broken\n/) as string,
  })
  expect(code).toBe(1)
})
