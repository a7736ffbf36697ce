/** The values of one metric, by their labels. */
export interface Series {
  add(value: number, labels: readonly string[]): void
  set(value: number, labels: readonly string[]): void
  lines(name: string): string[]
}

export function createSeries(names: readonly string[]): Series {
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
        // An empty label and none are the same to Prometheus.
        const pairs = names.flatMap((label, index) => {
          const text = labels[index] ?? ''
          return text === '' ? [] : [`${label}="${escapeLabel(text)}"`]
        })
        return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${String(value)}`
      }),
  }
}

export function family(type: string, name: string, help: string, lines: readonly string[]): string {
  return [`# HELP pullway_${name} ${help}`, `# TYPE pullway_${name} ${type}`, ...lines, ''].join(
    '\n',
  )
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
