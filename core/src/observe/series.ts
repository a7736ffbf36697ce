/** The values of one metric, by their labels. */
export interface Series {
  add(value: number, labels: readonly string[]): void
  set(value: number, labels: readonly string[]): void
  lines(name: string): string[]
}

export function createSeries(names: readonly string[]): Series {
  const entries: Entry[] = []
  const root: Branch = { next: new Map(), entry: undefined }
  // Label by label: to make one key of them all would cost each request a string or two.
  const find = (labels: readonly string[]): Entry => {
    let branch = root
    for (const label of labels) {
      let next = branch.next.get(label)
      if (!next) branch.next.set(label, (next = { next: new Map(), entry: undefined }))
      branch = next
    }
    if (!branch.entry) entries.push((branch.entry = { labels, value: 0 }))
    return branch.entry
  }
  return {
    add(value, labels) {
      find(labels).value += value
    },
    set(value, labels) {
      find(labels).value = value
    },
    lines: (name) =>
      entries.map(({ labels, value }) => {
        // An empty label and none are the same to Prometheus.
        const pairs = names.flatMap((label, index) => {
          const text = labels[index] ?? ''
          return text === '' ? [] : [`${label}="${escapeLabel(text)}"`]
        })
        return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${String(value)}`
      }),
  }
}

interface Entry {
  readonly labels: readonly string[]
  value: number
}

interface Branch {
  readonly next: Map<string, Branch>
  entry: Entry | undefined
}

export function family(type: string, name: string, help: string, lines: readonly string[]): string {
  return [`# HELP pullway_${name} ${help}`, `# TYPE pullway_${name} ${type}`, ...lines, ''].join(
    '\n',
  )
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
