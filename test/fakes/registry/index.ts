export { answers, type Answer } from './answer.ts'
export type { Settings } from './behaviour.ts'
export type { Call, CallKind } from './call.ts'
export type { Fault, FaultTarget } from './fault.ts'
export {
  buildImage,
  buildMultiArch,
  contentOf,
  descriptorOf,
  digestOf,
  mediaTypes,
  type Content,
  type Image,
} from './image.ts'
export { createFakeRegistry, type FakeRegistry } from './registry.ts'
