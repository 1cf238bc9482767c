import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { cpuMs } from '../../bench/processes.ts'
import { connect } from '../../src/connect.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { FLOODS, type FloodName } from '../helpers/floods.ts'
import { runTypeScript } from '../helpers/child.ts'
import { openPeer, publish } from '../helpers/peers.ts'
import { startRealDaemon } from '../helpers/processes.ts'
import { all } from '../helpers/operations.ts'
import { addressOf } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const HOSTILE_PROCESS = fileURLToPath(new URL('../helpers/hostile-process.ts', import.meta.url))

/** How long each group of floods lasts after all of it have begun. */
const FLOOD_MS = 4_000

/**
 * Of processor time until an answer, which what else runs on the machine does not change. The slowest one takes half a
 * second; before there were limits, none came for half a minute.
 */
const MAX_STATUS_MS = 5_000

/** How long the reader waits for the newsletter on a machine that has other things to do. */
const READ_SECONDS = 60

/** Before there were limits, one message took 530 MiB. */
const MAX_GROWTH_MIB = 100

const GROUPS: FloodName[][] = [
  ['endless range', 'endless drop', 'far bitfield', 'endless proofs', 'endless upgrades'],
  ['ranges', 'beginnings', 'bitfields', 'wants', 'unwants'],
  ['requests', 'impossible requests', 'requests taken back', 'syncs'],
  ['no data', 'data without end', 'conflicts', 'extensions'],
]

test('the groups have every flood', () => {
  expect(GROUPS.flat().toSorted()).toEqual(Object.keys(FLOODS).toSorted())
})

test.each(GROUPS.map((kinds) => ({ kinds, what: kinds.join(', ') })))(
  'a daemon answers and serves an honest reader under floods: $what',
  { timeout: 240_000 },
  async ({ kinds }) => {
    const bootstrap = await privateNetwork()
    const config = configOf(await temporaryDirectory(), bootstrap)
    const { feedKey, link } = await newsletter(config)
    const daemon = await startRealDaemon(config)
    const { operations, close } = await connect(config)
    onTestFinished(close)
    const before = await residentMib(daemon.pid)
    const args = [addressOf(bootstrap), feedKey, kinds.join(','), await temporaryDirectory()]
    const hostile = runTypeScript(HOSTILE_PROCESS, ...args)
    await Promise.all(kinds.map((kind) => hostile.line(new RegExp(`^${kind} begins`))))

    const end = performance.now() + FLOOD_MS
    let slowestMs = 0
    while (performance.now() < end) {
      const asked = await processorMs(daemon)
      await operations.status({})
      slowestMs = Math.max(slowestMs, (await processorMs(daemon)) - asked)
      await setTimeout(20)
    }
    const reader = await openPeer(bootstrap)
    await all(reader.operations.subscribe({ link, timeoutSeconds: READ_SECONDS }))

    expect(await reader.operations.listInbox({})).toHaveLength(3)
    expect(slowestMs).toBeLessThan(MAX_STATUS_MS)
    expect((await residentMib(daemon.pid)) - before).toBeLessThan(MAX_GROWTH_MIB)
  },
)

async function newsletter(config: Awaited<ReturnType<typeof configOf>>) {
  const engine = await openEngine({ config, online: false })
  const operations = bindOperations(engine, 'engine')
  const { feedKey, link } = await operations.createNewsletter({ title: 'Tides' })
  for (const number of [1, 2, 3]) await publish(operations, `# Issue ${number}\n\nHigh water.\n`)
  await engine.close()
  return { feedKey, link }
}

async function processorMs({ pid = 0 }: ChildProcess): Promise<number> {
  return (await cpuMs(pid)) ?? Number.NaN
}

async function residentMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024
}
