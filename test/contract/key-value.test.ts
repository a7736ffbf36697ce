import { createMemoryKeyValue, withMemoryKeyValue } from '@pullway/memory'
import { createFilesystemKeyValue } from '../../adapters/node/src/filesystem-key-value.ts'
import { createFakeClock } from '../fakes/clock.ts'
import { describeKeyValue } from './key-value.ts'
import { makeFolder } from './temporary-folder.ts'

describeKeyValue('memory', async () => {
  const clock = createFakeClock()
  return { clock, store: createMemoryKeyValue({ clock }) }
})

describeKeyValue('filesystem', async () => {
  const clock = createFakeClock()
  return { clock, store: createFilesystemKeyValue({ clock, path: await makeFolder() }) }
})

const rememberSeconds = 5

describeKeyValue(
  'memory in front of filesystem',
  async () => {
    const clock = createFakeClock()
    const inner = createFilesystemKeyValue({ clock, path: await makeFolder() })
    return { clock, store: withMemoryKeyValue(inner, { clock, rememberSeconds }) }
  },
  { lateBySeconds: rememberSeconds },
)
