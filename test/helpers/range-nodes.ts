import c from 'compact-encoding'
import type Corestore from 'corestore'
import type { CoreOptions } from 'corestore'
import type Hypercore from 'hypercore'
import type { ReplicationStream } from 'hypercore'
import crypto, { type KeyPair } from 'hypercore-crypto'
import Protomux, { type Message } from 'protomux'
import { expect, onTestFinished } from 'vitest'
import type { Log } from '../../src/format/log.ts'
import { RangeChannel } from '../../src/replication/ranges/range-channel.ts'
import { rangeEncoding, type RangeMessage } from '../../src/replication/ranges/range-message.ts'
import { LogScheduling } from '../../src/replication/scheduler/log-scheduling.ts'
import { logOf, openStore } from './stores.ts'
import { eventually } from './swarm-peers.ts'

/** Of a log whose blocks have 200 to 3,200 bytes. */
export function blockOf(index: number): Buffer {
  return Buffer.alloc(200 + ((index * 977) % 3_000), `block ${index} `)
}

/** A device with one log, which asks and answers for runs of blocks. */
export interface RangeNode {
  readonly store: Corestore
  readonly core: Hypercore
  readonly log: Log
  readonly keyPair: KeyPair
  readonly ranges: RangeChannel
  readonly misdeeds: readonly string[]
  readonly bad: readonly Error[]
}

/** Ends with the running test. */
export async function openNode(identity: CoreOptions, directory?: string): Promise<RangeNode> {
  const store = await openStore(directory)
  const core = store.get({ ...identity, allowFork: false })
  const log = await logOf(core)
  const misdeeds: string[] = []
  const bad: Error[] = []
  const ranges = new RangeChannel({ onMisdeed: (_, what) => misdeeds.push(what) })
  log.events.on('watchers', 'bad-block', (error) => bad.push(error))
  const { source, stop } = ranges.add(log)
  const scheduling = LogScheduling.of(log, source)
  onTestFinished(() => {
    stop()
    scheduling?.close()
    ranges.close()
  })
  return { store, core, log, keyPair: crypto.keyPair(), ranges, misdeeds, bad }
}

export async function openAuthorOf(
  blocks: readonly Buffer[],
  options: CoreOptions = {},
): Promise<RangeNode> {
  const made = await openNode({ name: 'feed', ...options })
  await made.core.append([...blocks])
  return made
}

export function openReaderOf(
  { core }: RangeNode,
  options: CoreOptions = {},
  directory?: string,
): Promise<RangeNode> {
  return openNode({ key: core.key ?? '', ...options }, directory)
}

function stream({ store, keyPair }: RangeNode, isInitiator: boolean): ReplicationStream {
  const replicate = store.replicate.bind(store) as unknown as (
    isInitiator: boolean,
    options: object,
  ) => ReplicationStream
  const made = replicate(isInitiator, { keyPair })
  made.on('error', () => undefined)
  return made
}

/** Both replicate; those of `speaking` speak the protocol. */
export async function connectNodes(
  one: RangeNode,
  other: RangeNode,
  speaking: readonly RangeNode[] = [one, other],
) {
  const [ours, theirs] = [stream(one, true), stream(other, false)]
  ours.pipe(theirs).pipe(ours)
  await Promise.all([ours.noiseStream.opened, theirs.noiseStream.opened])
  if (speaking.includes(one)) one.ranges.attach(Protomux.from(ours.noiseStream))
  if (speaking.includes(other)) other.ranges.attach(Protomux.from(theirs.noiseStream))
  return { ours, theirs, cut: () => ours.destroy() }
}

/** Both replicate; the part of the protocol of `from` is `answer`, instead of what it should be. */
export async function connectLiar(
  to: RangeNode,
  from: RangeNode,
  answer: (message: RangeMessage) => RangeMessage[],
) {
  const { ours, theirs } = await connectNodes(from, to, [to])
  const channel = Protomux.from(ours.noiseStream).createChannel({
    protocol: 'hyperletter/ranges/1',
    messages: [
      {
        encoding: c.raw,
        onmessage: (bytes: Uint8Array) => {
          const asked = c.decode(rangeEncoding, bytes)
          received.push(asked)
          for (const it of answer(asked)) send(it)
        },
      },
    ],
  })
  channel?.open()
  const received: RangeMessage[] = []
  const message = channel?.messages[0] as Message<Uint8Array>
  const send = (it: RangeMessage) => message.send(c.encode(rangeEncoding, it))
  await eventually(() => expect(channel?.opened).toBe(true))
  return { send, received, raw: (bytes: Uint8Array) => message.send(bytes), theirs, ours }
}

/** Requests for single blocks that a node has sent. */
export function requestsOf({ core }: RangeNode): number {
  return core.peers.reduce((sum, it) => sum + it.stats.wireRequest.tx, 0)
}

export async function expectWhole(
  { core }: RangeNode,
  blocks: readonly Uint8Array[],
): Promise<void> {
  await eventually(() => expect(core.contiguousLength).toBe(blocks.length), 30_000)
  await expectBlocks(core, blocks)
}

/** Those that are here are these. Gives how many are. */
export async function expectBlocks(
  core: Hypercore,
  blocks: readonly Uint8Array[],
): Promise<number> {
  const held = await Promise.all(blocks.map((_, i) => core.get(i, { wait: false })))
  const isOther = (it: Buffer | null, i: number) => it !== null && !it.equals(blocks[i] ?? it)
  expect(held.findIndex(isOther)).toBe(-1)
  return held.filter((it) => it !== null).length
}
