import { http } from '../sides/servers.ts'
import { hypercore, hyperletter } from '../sides/swarms.ts'
import { download, fluidLimitMs } from './download.ts'
import { DOWNLOAD_COLUMNS, MIB, timesSide, type Scenario } from './scenario.ts'

const BACKLOG = 99

export const newest: Scenario = {
  name: 'newest',
  summary: `A reader comes who has never been there before and wants everything, 100 issues of --size MiB: how
                    soon is the newest one here? HTTP knows its address and fetches nothing else.`,
  defaults: { readers: 1, size: 1 },
  sides: [http, hypercore, hyperletter],
  columns: DOWNLOAD_COLUMNS,
  limitMs: (numbers) => fluidLimitMs(numbers),
  run: (side, ground, { size }) =>
    download(side, ground, {
      offer: { sizeBytes: size * MIB, backlog: { issues: BACKLOG + 1, sizeBytes: size * MIB } },
      reader: { isLive: false, until: 'newest' },
      neededBytes: size * MIB,
    }),
  goals: ({ readers }) => (readers === 1 ? [timesSide('HTTP', 1.3)] : []),
  note: 'What the publisher sent until then may include some of the backlog.',
}
