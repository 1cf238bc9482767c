import { http, httpOver20, rsync } from '../sides/servers.ts'
import { bittorrent, hypercore, hyperletter } from '../sides/swarms.ts'
import { download, fluidLimitMs } from './download.ts'
import { DOWNLOAD_COLUMNS, MIB, timesLimit, timesSide, type Scenario } from './scenario.ts'

const ISSUES = 1_000

export const small: Scenario = {
  name: 'small',
  summary:
    'A reader comes who has never been there before, and fetches 1,000 issues of 4 KiB (or --size).',
  defaults: { readers: 1, size: 4 / 1024 },
  sides: [http, httpOver20, rsync, bittorrent, hypercore, hyperletter],
  columns: DOWNLOAD_COLUMNS,
  limitMs: (numbers) => fluidLimitMs(numbers, ISSUES * numbers.size * MIB),
  run: (side, ground, { size }) =>
    download(side, ground, {
      offer: { sizeBytes: size * MIB, backlog: { issues: ISSUES, sizeBytes: size * MIB } },
      reader: { isLive: false, until: 'everything' },
      neededBytes: ISSUES * size * MIB,
    }),
  goals: ({ readers }) => (readers === 1 ? [timesLimit(1.25), timesSide('rsync', 0.85)] : []),
  note:
    'The limit counts the content of each issue, and nothing else. With Hyperletter the title, date and place of each ' +
    'come on top as a signed record, with the others a file name at most.',
}
