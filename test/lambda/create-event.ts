import type { FunctionUrlEvent } from '../../adapters/lambda/src/event.ts'

export function createEvent(
  event: Partial<FunctionUrlEvent> = {},
  method = 'GET',
): FunctionUrlEvent {
  return {
    rawPath: '/',
    rawQueryString: '',
    headers: {},
    requestContext: {
      domainName: 'abc.lambda-url.eu-central-1.on.aws',
      http: { method, sourceIp: '192.0.2.7' },
    },
    ...event,
  }
}
