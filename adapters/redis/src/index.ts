export { createRedisKeyValue, type RedisKeyValue } from './key-value.ts'
