const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.5 GiB`: three digits at least, as people read sizes. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
