export type { FunctionUrlEvent } from './event.ts'
export { createHandler, type HandlerOptions } from './handler.ts'
export type {
  AwsLambda,
  HttpResponseMetadata,
  InvocationContext,
  ResponseStream,
  StreamingHandler,
} from './runtime.ts'
