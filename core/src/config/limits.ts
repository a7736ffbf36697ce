import type { LimitsConfig } from './config.ts'
import type { Report } from './mistakes.ts'
import type { GivenLimits } from './schema-access.ts'

/** An image of many layers asks for all of them at once. */
const leastBurst = 20

export function toLimits(
  { requests, connections, bandwidth }: GivenLimits,
  report: Report,
): LimitsConfig {
  const path = ['limits', 'requests']
  if (requests !== undefined && requests.rate === undefined && !report.isWrong([...path, 'rate'])) {
    report.add([...path, 'rate'], 'is missing: say how many, such as 10/s')
  }
  const rate = requests?.rate
  return {
    requests:
      rate === undefined
        ? undefined
        : { perSecond: rate, burst: requests?.burst ?? Math.max(leastBurst, Math.ceil(2 * rate)) },
    connections,
    bandwidthBytesPerSecond: bandwidth,
  }
}
