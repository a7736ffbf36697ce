/** What this adapter says itself, in the form that the OCI distribution specification gives errors. */
export const refusals = {
  unreadable: (): Response =>
    refuse(400, 'UNSUPPORTED', 'the request cannot be read: pull with GET and HEAD'),
  unconfigured: (): Response =>
    refuse(500, 'UNKNOWN', 'the configuration of this mirror is wrong: its log says where'),
} as const

function refuse(status: number, code: string, message: string): Response {
  const headers = { 'docker-distribution-api-version': 'registry/2.0' }
  return Response.json({ errors: [{ code, message }] }, { status, headers })
}
