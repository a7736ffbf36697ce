import { answers, toReply, type Reply } from './answer.ts'
import type { Call, ResourcePath } from './call.ts'
import { findReferrers, type Repository } from './content.ts'
import { descriptorOf, mediaTypes } from './image.ts'
import type { World } from './world.ts'

export function answerReferrers(
  world: World,
  call: Call,
  repository: Repository,
  path: ResourcePath,
): Reply {
  const { referrers } = world.behaviour
  if (referrers === 'not-found') return toReply(answers.notFoundPage, {})
  if (referrers === 'web-page') return toReply(answers.webPage, {})
  if (referrers === 'off-site') return offSite(path)
  const wantedType = call.url.searchParams.get('artifactType')
  const manifests = findReferrers(repository, path.reference)
    .map((manifest) => ({
      ...descriptorOf(manifest),
      artifactType: (
        JSON.parse(new TextDecoder().decode(manifest.bytes)) as { artifactType?: string }
      ).artifactType,
    }))
    .filter(({ artifactType }) => wantedType === null || artifactType === wantedType)
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
  const reply = toReply(
    { status: 200, contentType: mediaTypes.ociIndex, body: JSON.stringify(index) },
    {},
  )
  if (wantedType !== null) reply.headers.set('oci-filters-applied', 'artifactType')
  return reply
}

/** ghcr.io's, with the digest cut off after its algorithm (2026-04-24). */
function offSite(path: ResourcePath): Reply {
  const [owner = '', ...rest] = path.name.split('/')
  const location = `https://github.com/-/v2/packages/container/package/${owner}%2F${rest.join('%2F')}%2Freferrers%2Fsha256`
  return toReply({ status: 303, headers: { location } }, {})
}
