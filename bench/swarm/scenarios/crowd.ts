import { bittorrent, hypercore, hyperletter } from '../sides/swarms.ts'
import { http } from '../sides/servers.ts'
import { download, fluidLimitMs } from './download.ts'
import {
  DOWNLOAD_COLUMNS,
  MIB,
  timesLimit,
  timesSent,
  timesSide,
  type Goal,
  type Scenario,
} from './scenario.ts'

const NONE = { issues: 0, sizeBytes: 0 }

const GOALS: Readonly<Record<number, readonly Goal[]>> = {
  1: [timesSide('HTTP', 1.02)],
  8: [timesLimit(1.35), timesSide('BitTorrent', 0.62), timesSent(1.12)],
  20: [timesLimit(1.6), timesSide('BitTorrent', 0.6), timesSent(1.15)],
}

const common = {
  sides: [http, bittorrent, hypercore, hyperletter],
  columns: DOWNLOAD_COLUMNS,
  limitMs: fluidLimitMs,
}

export const crowd: Scenario = {
  ...common,
  name: 'crowd',
  summary: `All readers are connected and wait; an issue is published. With --apart it is out, and they come
                    one by one; with --leaving so many of them go half-way.`,
  defaults: {},
  run: (side, ground, numbers) => {
    const { size, apart, leaving } = numbers
    const out = { issues: 1, sizeBytes: size * MIB }
    return download(side, ground, {
      offer: { sizeBytes: size * MIB, backlog: apart > 0 ? out : NONE },
      reader: { isLive: apart === 0, until: 'everything' },
      neededBytes: size * MIB,
      apartMs: apart,
      leaving: { readers: leaving, afterMs: fluidLimitMs(numbers) / 2 },
    })
  },
  goals: ({ readers, apart, leaving }) => (apart > 0 || leaving > 0 ? [] : (GOALS[readers] ?? [])),
}

export const long: Scenario = {
  ...common,
  name: 'long',
  summary: 'A long, fast way: one reader, connected and waiting, 64 MiB.',
  defaults: { readers: 1, size: 64, up: 100, down: 1_000, rtt: 100 },
  run: crowd.run,
  goals: () => [timesLimit(1.3), timesSent(1.07)],
}

export const cold: Scenario = {
  ...common,
  name: 'cold',
  summary: `An issue is out, and readers come who have never been there before, all at once: the clock includes
                    looking the publisher up and connecting.`,
  defaults: { readers: 1 },
  run: (side, ground, { size, apart }) =>
    download(side, ground, {
      offer: { sizeBytes: size * MIB, backlog: { issues: 1, sizeBytes: size * MIB } },
      reader: { isLive: false, until: 'everything' },
      neededBytes: size * MIB,
      apartMs: apart,
    }),
  goals: ({ readers }) => (readers === 1 ? [timesSide('HTTP', 1.05)] : []),
}
