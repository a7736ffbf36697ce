import { createSeries, family } from './series.ts'

/** Counters, gauges and histograms in Prometheus' text format (version 0.0.4), on any runtime. */
export interface Counter {
  add(value: number, ...labels: string[]): void
}

export interface Gauge extends Counter {
  set(value: number, ...labels: string[]): void
}

export interface Histogram {
  observe(value: number, ...labels: string[]): void
}

/** Every metric of the mirror; contract.md fixes the names. */
export interface Metrics {
  readonly requests: Counter
  readonly cacheRequests: Counter
  readonly clientBytes: Counter
  readonly upstreamBytes: Counter
  readonly upstreamRequests: Counter
  readonly upstreamSeconds: Histogram
  readonly endpointUp: Gauge
  readonly failovers: Counter
  readonly quotaLimit: Gauge
  readonly quotaRemaining: Gauge
  readonly resumes: Counter
  readonly coalesced: Counter
  readonly activeBlobStreams: Gauge
  readonly rejected: Counter
  readonly storeFailures: Counter
  readonly digestMismatches: Counter
  render(): string
}

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15]

export function createMetrics(): Metrics {
  const families: (() => string)[] = []

  const simple = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    labels: string[],
  ): Gauge => {
    const series = createSeries(labels)
    families.push(() => family(type, name, help, series.lines(`pullway_${name}`)))
    // A metric without labels is there from the start, so that a rate over it works at once.
    if (labels.length === 0) series.add(0, [])
    return {
      add: (value, ...values) => {
        series.add(value, values)
      },
      set: (value, ...values) => {
        series.set(value, values)
      },
    }
  }
  const histogram = (name: string, help: string, labels: string[]): Histogram => {
    const buckets = createSeries([...labels, 'le'])
    const sums = createSeries(labels)
    const counts = createSeries(labels)
    families.push(() =>
      family('histogram', name, help, [
        ...buckets.lines(`pullway_${name}_bucket`),
        ...sums.lines(`pullway_${name}_sum`),
        ...counts.lines(`pullway_${name}_count`),
      ]),
    )
    return {
      observe: (value, ...values) => {
        for (const bound of secondsBuckets)
          buckets.add(value <= bound ? 1 : 0, [...values, String(bound)])
        buckets.add(1, [...values, '+Inf'])
        sums.add(value, values)
        counts.add(1, values)
      },
    }
  }

  return {
    requests: simple('counter', 'requests_total', 'Requests answered.', [
      'upstream',
      'kind',
      'status',
    ]),
    cacheRequests: simple('counter', 'cache_requests_total', 'Pulls by what the cache could do.', [
      'upstream',
      'kind',
      'result',
    ]),
    clientBytes: simple('counter', 'client_bytes_total', 'Body bytes sent to clients.', [
      'upstream',
    ]),
    upstreamBytes: simple(
      'counter',
      'upstream_bytes_total',
      'Body bytes received from upstreams.',
      ['upstream'],
    ),
    upstreamRequests: simple(
      'counter',
      'upstream_requests_total',
      'Requests sent to upstream hosts.',
      ['upstream', 'endpoint', 'status'],
    ),
    upstreamSeconds: histogram(
      'upstream_request_duration_seconds',
      'Time to the headers of an upstream’s answer.',
      ['upstream'],
    ),
    endpointUp: simple(
      'gauge',
      'upstream_endpoint_up',
      'Whether an endpoint answers; 0 from a failure to the next answer.',
      ['upstream', 'endpoint'],
    ),
    failovers: simple('counter', 'failovers_total', 'Questions that the next endpoint was asked.', [
      'upstream',
      'reason',
    ]),
    quotaLimit: simple(
      'gauge',
      'upstream_quota_limit',
      'Pulls that the upstream allows in its window.',
      ['upstream', 'endpoint', 'account'],
    ),
    quotaRemaining: simple(
      'gauge',
      'upstream_quota_remaining',
      'Pulls that the upstream still allows.',
      ['upstream', 'endpoint', 'account'],
    ),
    resumes: simple('counter', 'resumes_total', 'Downloads that went on after a cut.', []),
    coalesced: simple(
      'counter',
      'coalesced_total',
      'Requests that joined another one’s download.',
      [],
    ),
    activeBlobStreams: simple(
      'gauge',
      'active_blob_streams',
      'Blob bodies on their way to clients.',
      [],
    ),
    rejected: simple(
      'counter',
      'rejected_total',
      'Requests answered with an error of the mirror’s own.',
      ['reason'],
    ),
    storeFailures: simple(
      'counter',
      'store_failures_total',
      'Reads and writes that the cache could not do.',
      ['operation'],
    ),
    digestMismatches: simple(
      'counter',
      'digest_mismatches_total',
      'Upstream contents with wrong bytes.',
      ['upstream'],
    ),
    render: () => families.map((lines) => lines()).join(''),
  }
}
