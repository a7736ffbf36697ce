export { createMemoryBlobStore } from './blob-store.ts'
export { createMemoryKeyValue } from './key-value.ts'
export { withMemory } from './with-memory.ts'
export { withMemoryKeyValue } from './with-memory-key-value.ts'
