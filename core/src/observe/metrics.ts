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
    quotaLimit: simple(
      'gauge',
      'upstream_quota_limit',
      'Pulls that the upstream allows in its window.',
      ['upstream', 'endpoint'],
    ),
    quotaRemaining: simple(
      'gauge',
      'upstream_quota_remaining',
      'Pulls that the upstream still allows.',
      ['upstream', 'endpoint'],
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

interface Series {
  add(value: number, labels: readonly string[]): void
  set(value: number, labels: readonly string[]): void
  lines(name: string): string[]
}

function createSeries(names: readonly string[]): Series {
  const values = new Map<string, { readonly labels: readonly string[]; value: number }>()
  const find = (labels: readonly string[]): { value: number } => {
    const key = labels.join('\n')
    let entry = values.get(key)
    if (!entry) values.set(key, (entry = { labels, value: 0 }))
    return entry
  }
  return {
    add(value, labels) {
      find(labels).value += value
    },
    set(value, labels) {
      find(labels).value = value
    },
    lines: (name) =>
      [...values.values()].map(({ labels, value }) => {
        const pairs = names.map((label, index) => `${label}="${escapeLabel(labels[index] ?? '')}"`)
        return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${String(value)}`
      }),
  }
}

function family(type: string, name: string, help: string, lines: readonly string[]): string {
  return [`# HELP pullway_${name} ${help}`, `# TYPE pullway_${name} ${type}`, ...lines, ''].join(
    '\n',
  )
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
