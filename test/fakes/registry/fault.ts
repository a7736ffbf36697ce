import type { FetchFailure } from '@pullway/core'
import type { Answer } from './answer.ts'
import type { Call, CallKind } from './call.ts'

/** What goes wrong on the way, whatever the registry itself would have answered. */
export type Fault =
  /** Never answers. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'no-answer'; readonly failure: FetchFailure }
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The connection breaks after that many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The body ends as if all were well, too soon. */
  | { readonly kind: 'end-early'; readonly afterBytes: number }
  /** No byte comes after that many, until the fault is lifted. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'wrong-bytes' }
  /** Lies in the headers; the body is right. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }

export interface FaultTarget {
  readonly kind?: CallKind
  readonly method?: string
  readonly host?: string
  /** How many calls it hits; all if absent. */
  readonly times?: number
}

export interface ActiveFault {
  readonly fault: Fault
  /** Resolves when the fault is lifted. */
  readonly lifted: Promise<void>
}

export interface Faults {
  add(target: FaultTarget, fault: Fault): { lift(): void }
  /** The first that fits, counted down. */
  take(call: Call): ActiveFault | undefined
}

export function createFaults(): Faults {
  const planned: { target: FaultTarget; active: ActiveFault; left: number }[] = []
  return {
    add(target, fault) {
      let lift = (): void => undefined
      const lifted = new Promise<void>((resolve) => (lift = resolve))
      const plan = { target, active: { fault, lifted }, left: target.times ?? Infinity }
      planned.push(plan)
      return {
        lift() {
          plan.left = 0
          lift()
        },
      }
    },
    take(call) {
      const plan = planned.find(({ target, left }) => left > 0 && hits(target, call))
      if (plan === undefined) return undefined
      plan.left--
      return plan.active
    },
  }
}

function hits(target: FaultTarget, call: Call): boolean {
  if (target.kind !== undefined && target.kind !== call.kind) return false
  if (target.method !== undefined && target.method !== call.method) return false
  return target.host === undefined || target.host === call.url.host
}
