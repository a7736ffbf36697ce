import { type AwsLambda, createHandler } from '@pullway/lambda'

declare const awslambda: AwsLambda

export const handler = createHandler({ awslambda, environment: process.env })
