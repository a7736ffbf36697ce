import { inject, test } from 'vitest'
import { type Capability, lacks, type TargetName } from './capabilities.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly target: TargetName
  }
}

/** A test for the targets that have a capability; where it is declared as lacking there is none. */
export function onlyWith(capability: Capability, name: string, story: () => Promise<void>): void {
  if (!lacks(inject('target'), capability)) test(name, story)
}
