import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addHour, REMEMBERED_HOURS, type CopyHours } from '../../src/engine/seeding-history.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { openEngine } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const hours = (...samples: readonly (readonly [hour: number, peers: number, copies: number])[]) =>
  samples.reduce(
    (known, [hour, peers, copies]) => addHour(known, { hour, peers, copies }),
    [] as readonly CopyHours[],
  )

describe('the hours of copies', () => {
  it('join those in a row that are equal, and leave out those of which nothing is known', () => {
    expect(hours([5, 2, 1], [6, 2, 1], [7, 3, 1], [9, 3, 1])).toEqual([
      { from: 5, to: 6, peers: 2, copies: 1 },
      { from: 7, to: 7, peers: 3, copies: 1 },
      { from: 9, to: 9, peers: 3, copies: 1 },
    ])
  })

  it('have the most of each hour', () => {
    const once = hours([5, 2, 1], [6, 2, 1], [6, 1, 3], [6, 0, 0])
    expect(once).toEqual([
      { from: 5, to: 5, peers: 2, copies: 1 },
      { from: 6, to: 6, peers: 2, copies: 3 },
    ])
    expect(hours([5, 2, 1], [6, 1, 0], [6, 2, 1])).toEqual([
      { from: 5, to: 6, peers: 2, copies: 1 },
    ])
  })

  it('are those of a week, also where a clock jumps', () => {
    const ever = Array.from({ length: 1_000 }, (_, hour) => [hour, hour % 2, 0] as const)
    expect(hours(...ever)).toHaveLength(REMEMBERED_HOURS)
    expect(hours([5, 2, 1], [4, 9, 9])).toEqual(hours([5, 2, 1]))
    expect(hours([5, 2, 1], [50_000, 1, 1])).toEqual(hours([50_000, 1, 1]))
    const still = Array.from({ length: 1_000 }, (_, hour) => [hour, 1, 1] as const)
    expect(hours(...still)).toEqual([
      { from: 1_000 - REMEMBERED_HOURS, to: 999, peers: 1, copies: 1 },
    ])
  })
})

it(
  'totals and hours outlive a restart; what is damaged begins anew',
  { timeout: 60_000 },
  async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2 })
    const dataDir = await temporaryDirectory()
    const { feedKey, link } = author
    const open = async () => {
      const engine = await openEngine({ dataDir, bootstrap: network })
      const operations = bindOperations(engine, 'engine')
      const received = async () => {
        const { newsletters, traffic } = await operations.status({})
        return { ...newsletters[0], traffic }
      }
      return { engine, operations, received }
    }

    const first = await open()
    await all(first.operations.subscribe({ link }))
    await expect.poll(async () => (await first.received()).heldBlocks).toBe(5)
    const before = await first.received()
    const total = before.totals?.downloadedBytes ?? 0
    expect(total).toBeGreaterThan(0)
    await first.engine.close()
    const path = join(dataDir, 'seeding.json')
    expect((await stat(path)).mode & 0o777).toBe(0o600)

    const second = await open()
    const after = await second.received()
    expect([after.downloadedBytes, after.totals?.downloadedBytes]).toEqual([0, total])
    expect(after.traffic).toEqual(before.traffic)
    expect(await second.operations.copyHistory({ newsletter: feedKey })).toMatchObject([
      { peers: 1, copies: 1 },
    ])
    // What has left the library still counts in all.
    await second.operations.unsubscribe({ newsletter: feedKey })
    expect((await second.received()).traffic).toEqual(before.traffic)
    await second.engine.close()

    await writeFile(path, (await readFile(path, 'utf8')).slice(1))
    const third = await open()
    expect((await third.received()).traffic).toMatchObject({ downloadedBytes: 0 })
  },
)
