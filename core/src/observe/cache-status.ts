import type { Outcome } from '../answer.ts'

const fixed: Readonly<Partial<Record<Outcome, string>>> = {
  hit: 'pullway; hit',
  miss: 'pullway; fwd=miss; stored',
  pass: 'pullway; fwd=miss',
  collapsed: 'pullway; fwd=miss; collapsed',
  revalidated: 'pullway; fwd=stale; fwd-status=200',
  partial: 'pullway; fwd=partial',
  linked: 'pullway; fwd=bypass',
}

/** RFC 9211. */
export function formatCacheStatus(outcome: Outcome): string {
  return fixed[outcome] ?? `pullway; hit; detail=${outcome}`
}
