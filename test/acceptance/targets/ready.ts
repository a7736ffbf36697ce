/** For `startService`: whether a mirror at this origin takes requests. */
export async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(
    () => undefined,
  )
  await answer?.body?.cancel()
  return answer?.ok === true
}
