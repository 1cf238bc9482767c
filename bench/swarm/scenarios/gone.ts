import { Lab } from '../lab.ts'
import { bittorrent, hypercore, hyperletter } from '../sides/swarms.ts'
import { ends, fluidLimitMs, readerUp } from './download.ts'
import { DOWNLOAD_COLUMNS, MIB, timesLimit, timesSide, type Scenario } from './scenario.ts'

/** The publisher is cut off once one reader has the issue; then the others come. */
export const gone: Scenario = {
  name: 'gone',
  summary: `The publisher is cut off as soon as one reader has the issue; then the others come, who have never
                    been there before, and fetch it from that one and each other.`,
  defaults: {},
  sides: [bittorrent, hypercore, hyperletter],
  columns: DOWNLOAD_COLUMNS,
  limitMs: (numbers) =>
    fluidLimitMs({
      ...numbers,
      readers: numbers.readers - 1,
      publisherUp: readerUp(numbers, 0),
      readerUps: numbers.readerUps.slice(1),
    }),
  run: async (side, ground, { size, readers }) => {
    const { lab } = ground
    const sizeBytes = size * MIB
    const opened = await side.open(ground, { sizeBytes, backlog: { issues: 1, sizeBytes } })
    const options = { isLive: false, until: 'everything' } as const
    const [first, ...others] = await Promise.all(
      Array.from({ length: readers }, (_, place) => opened.reader(place, options)),
    )
    first?.say('begin')
    await first?.next()
    await lab.cut(Lab.publisher)
    await lab.sent()
    const beganMs = performance.now()
    for (const it of others) it.say('begin')
    const ended = await ends(others)
    const sent = (await lab.sent()).get(Lab.reader(0)) ?? 0
    return { ms: ended.lastMs - beganMs, copies: sent / sizeBytes, readers: ended.told }
  },
  goals: () => [timesLimit(1.4), timesSide('BitTorrent', 0.65)],
  note: 'Sent is what the first reader sent. Over HTTP nobody would get anything any more.',
}
