/** Why a server could not listen, in a sentence for the person who started it. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use that port: take one from 1024 on, such as 5000',
  EADDRINUSE: 'another process uses that port',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EAFNOSUPPORT: 'this machine does not have that kind of address',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be resolved now',
}

export function describeListenError(
  error: NodeJS.ErrnoException,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return `cannot listen on ${address}: ${reasons[error.code ?? ''] ?? error.message}`
}
