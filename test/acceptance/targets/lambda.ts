import { startLambda } from '../../platforms/lambda/start-lambda.ts'
import type { Target } from '../target.ts'

/** The zip as the kit builds it, behind a front with a Function URL's limits, without any service beside it. */
export const lambdaTarget: Target = {
  name: 'lambda',
  start: (document) => startLambda({ document: JSON.stringify(document), instances: 12 }),
}
