import { parseArgs } from 'node:util'
import { caseNames } from './cases.ts'
import { peerNames, type PeerName } from './peers.ts'

export interface Settings {
  readonly rounds: number
  readonly cases: readonly string[]
  readonly peers: readonly PeerName[]
  readonly strict: boolean
  readonly sizes: Sizes
}

export interface Sizes {
  /** At most. */
  readonly warmUpSeconds: number
  readonly loadSeconds: number
  readonly blobMebibytes: number
  readonly hitsPerRound: number
  readonly herdMebibytes: number
  readonly herdClients: number
}

export const usage = `npm run bench -- [quick|full] [--only CASE,...] [--peers PEER,...] [--rounds N] [--strict]

  CASE    ${caseNames.join(', ')} (or how one begins)
  PEER    ${peerNames.join(', ')}
  strict  exit with 1 when a goal is missed`

const modes: Readonly<Record<string, { readonly rounds: number; readonly sizes: Sizes }>> = {
  quick: {
    rounds: 3,
    sizes: {
      warmUpSeconds: 3,
      loadSeconds: 2,
      blobMebibytes: 256,
      hitsPerRound: 4,
      herdMebibytes: 100,
      herdClients: 20,
    },
  },
  full: {
    rounds: 5,
    sizes: {
      warmUpSeconds: 10,
      loadSeconds: 6,
      blobMebibytes: 512,
      hitsPerRound: 4,
      herdMebibytes: 100,
      herdClients: 20,
    },
  },
}

/** Throws an Error with one readable line. */
export function parseSettings(args: readonly string[]): Settings {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      strict: { type: 'boolean', default: false },
    },
  })
  const mode = modes[positionals[0] ?? 'full']
  if (mode === undefined || positionals.length > 1) {
    throw new Error(`no such mode: ${positionals.join(' ')}`)
  }
  const rounds = values.rounds === undefined ? mode.rounds : Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a number from 1')
  return {
    rounds,
    cases: select(caseNames, values.only, '--only'),
    peers: select(peerNames, values.peers, '--peers'),
    strict: values.strict,
    sizes: mode.sizes,
  }
}

function select<Name extends string>(
  names: readonly Name[],
  wanted: string | undefined,
  flag: string,
): readonly Name[] {
  if (wanted === undefined) return names
  const beginnings = wanted.split(',')
  const unknown = beginnings.find((text) => !names.some((name) => name.startsWith(text)))
  if (unknown !== undefined) throw new Error(`${flag}: '${unknown}' is none of ${names.join(', ')}`)
  return names.filter((name) => beginnings.some((text) => name.startsWith(text)))
}
