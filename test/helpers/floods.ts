/** Sends messages of Hypercore's protocol by hand. */
export type Wire = Record<
  `wire${'Sync' | 'Request' | 'Cancel' | 'Data' | 'NoData' | 'Want' | 'Unwant' | 'Bitfield' | 'Range' | 'Extension'}`,
  { send(message: object): boolean }
>

interface Flood {
  readonly send: (wire: Wire, i: number) => void
  readonly perFrame: number
}

/** What a request, or an answer, may hold. */
export const NOTHING = { block: null, hash: null, seek: null, upgrade: null }

/** A request for nothing. */
export const REQUEST = { id: 1, fork: 0, ...NOTHING, manifest: false, priority: 0 }

/** What a peer says of itself, but for lengths. */
export const SYNC = {
  fork: 0,
  canUpgrade: true,
  uploading: true,
  downloading: true,
  hasManifest: false,
  allowPush: false,
}

const MOST = Number.MAX_SAFE_INTEGER
const JUNK = 'x'.repeat(4 * 1024 * 1024)
const BYTES = Buffer.alloc(JUNK.length)
const BLOCK = { index: 0, nodes: 0 }

/** Messages that no honest peer sends, or not so many of. */
export const FLOODS = {
  'endless range': {
    perFrame: 1,
    send: ({ wireRange }) => wireRange.send({ drop: false, start: 1, length: MOST - 1 }),
  },
  'endless drop': {
    perFrame: 1,
    send: ({ wireRange }) => wireRange.send({ drop: true, start: 1, length: MOST - 1 }),
  },
  ranges: {
    perFrame: 50_000,
    send: ({ wireRange }, i) => wireRange.send({ drop: i % 2 === 0, start: 1, length: 60_000 }),
  },
  beginnings: {
    perFrame: 50_000,
    send: ({ wireRange }, i) => wireRange.send({ drop: false, start: 0, length: 1 + i }),
  },
  'far bitfield': {
    perFrame: 1,
    send: ({ wireBitfield }) =>
      wireBitfield.send({ start: 2 ** 48, bitfield: new Uint32Array(1_024) }),
  },
  bitfields: {
    perFrame: 50_000,
    send: ({ wireBitfield }, i) =>
      wireBitfield.send({ start: 32 * (i % 2_000), bitfield: Uint32Array.of(i) }),
  },
  wants: {
    perFrame: 50_000,
    send: ({ wireWant }) => wireWant.send({ start: 0, length: 2 ** 21, any: false }),
  },
  unwants: {
    perFrame: 100_000,
    send: ({ wireUnwant }, i) => wireUnwant.send({ start: 32 * i, length: 32, any: false }),
  },
  requests: {
    perFrame: 50_000,
    send: ({ wireRequest }) => wireRequest.send({ ...REQUEST, block: BLOCK }),
  },
  'endless proofs': {
    perFrame: 100,
    send: ({ wireRequest }, id) =>
      wireRequest.send({ ...REQUEST, id, hash: { index: 2 ** 52, nodes: MOST } }),
  },
  'endless upgrades': {
    perFrame: 100,
    send: ({ wireRequest }, id) =>
      wireRequest.send({ ...REQUEST, id, upgrade: { start: 0, length: MOST } }),
  },
  'impossible requests': {
    perFrame: 10_000,
    send: ({ wireRequest }, id) =>
      wireRequest.send({ ...REQUEST, id, upgrade: { start: 5, length: 100_000 } }),
  },
  'requests taken back': {
    perFrame: 50_000,
    send: ({ wireRequest, wireCancel }, id) => {
      wireRequest.send({ ...REQUEST, id, block: BLOCK })
      wireCancel.send({ request: id })
    },
  },
  syncs: {
    perFrame: 50_000,
    send: ({ wireSync }, i) => wireSync.send({ ...SYNC, length: 1 + (i % 3), remoteLength: 0 }),
  },
  'no data': {
    perFrame: 100_000,
    send: ({ wireNoData }, i) => wireNoData.send({ request: i, reason: 0 }),
  },
  'data without end': {
    perFrame: 1,
    send: ({ wireData }) =>
      wireData.send({
        request: 7,
        fork: 9,
        ...NOTHING,
        block: { index: 0, value: BYTES, nodes: [] },
      }),
  },
  conflicts: {
    perFrame: 10_000,
    send: ({ wireData }) =>
      wireData.send({
        request: 0,
        fork: 0,
        ...NOTHING,
        upgrade: {
          start: 0,
          length: 1,
          nodes: [],
          additionalNodes: [],
          signature: Buffer.alloc(64),
        },
      }),
  },
  extensions: {
    perFrame: 2,
    send: ({ wireExtension }, i) =>
      wireExtension.send({ name: `${i}${JUNK}`, message: Buffer.alloc(0) }),
  },
} as const satisfies Record<string, Flood>

export type FloodName = keyof typeof FLOODS
