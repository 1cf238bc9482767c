import { describe, expect, test } from 'vitest'
import { extend } from '../../src/format/bundle/take.ts'
import { readRange } from '../../src/format/log.ts'
import { bundleOf, take, verify } from '../helpers/bundles.ts'
import { expectCode } from '../helpers/errors.ts'
import { signingKeys } from '../helpers/newsletters.ts'
import { connect, logOf, openReplica, openStore } from '../helpers/stores.ts'

async function authorCore(count = 5) {
  const core = (await openStore()).get({ name: 'log' })
  await core.append(Array.from({ length: count }, (_, i) => `block ${i}`))
  return core
}

function textOf(block: Uint8Array): string {
  return new TextDecoder().decode(block)
}

describe('read', () => {
  test('reads from disk without any peer', async () => {
    const core = await authorCore()
    const log = await logOf(core)
    expect(textOf(await log.read(3, { wait: false }))).toBe('block 3')
  })

  test('reads from a peer, and keeps what it read', async () => {
    const { core, disconnect } = await openReplica(await authorCore())
    const log = await logOf(core)
    expect(textOf(await log.read(3))).toBe('block 3')
    disconnect()
    expect(textOf(await log.read(3, { wait: false }))).toBe('block 3')
  })

  test('has a block as soon as it is stored, whoever stores it', async () => {
    const source = (await openStore()).get({ keyPair: signingKeys() })
    await source.append(['block 0', 'block 1'])
    const bytes = await bundleOf(source)
    const core = (await openStore()).get({ key: source.id ?? '', allowFork: false })
    const log = await logOf(core)
    await extend(log, await verify(bytes))
    const reading = log.read(1, { timeoutMs: 60_000 })
    await take(core, bytes)
    expect(textOf(await reading)).toBe('block 1')
  })

  test('does not ask peers when told not to wait', async () => {
    const { core } = await openReplica(await authorCore())
    const log = await logOf(core)
    await expectCode(log.read(3, { wait: false }), 'NOT_AVAILABLE')
    expect(await core.has(3)).toBe(false)
  })

  test('gives up on peers after the deadline', async () => {
    const { core, disconnect } = await openReplica(await authorCore())
    const log = await logOf(core)
    disconnect()
    await expectCode(log.read(3, { timeoutMs: 20 }), 'NOT_AVAILABLE')
  })

  test('does not begin once it is aborted', async () => {
    const core = await authorCore()
    const log = await logOf(core)
    await expectCode(log.read(3, { signal: AbortSignal.abort() }), 'ABORTED')
  })

  test.each([
    ['in the same tick', () => undefined],
    ['while it waits', () => new Promise((resolve) => setImmediate(resolve))],
  ])('ends when it is aborted %s', async (_, until) => {
    const { core, disconnect } = await openReplica(await authorCore())
    const log = await logOf(core)
    disconnect()
    const controller = new AbortController()
    const read = expectCode(log.read(3, { signal: controller.signal }), 'ABORTED')
    await until()
    controller.abort()
    await read
  })

  test('leaves other reads of the block alone when one is aborted', async () => {
    const author = await authorCore()
    const { core, disconnect } = await openReplica(author)
    const log = await logOf(core)
    disconnect()
    const controller = new AbortController()
    const aborted = expectCode(log.read(3, { signal: controller.signal }), 'ABORTED')
    const other = log.read(3)
    controller.abort()
    await aborted
    connect(author, core)
    expect(textOf(await other)).toBe('block 3')
  })

  test('ends when the core closes', async () => {
    const { core, disconnect } = await openReplica(await authorCore())
    const log = await logOf(core)
    disconnect()
    const read = expectCode(log.read(3), 'ABORTED')
    await core.close()
    await read
  })

  test('fails on a core that is closed', async () => {
    const core = await authorCore()
    const log = await logOf(core)
    await core.close()
    await expectCode(log.read(3), 'ABORTED')
  })
})

describe('readRange', () => {
  test('gives the blocks of a range in order', async () => {
    const { core } = await openReplica(await authorCore(40))
    const log = await logOf(core)
    const blocks = await readRange(log, { start: 3, end: 37 })
    expect(blocks.map(textOf)).toEqual(Array.from({ length: 34 }, (_, i) => `block ${i + 3}`))
  })

  test('fails when one of them cannot be had', async () => {
    const { core, disconnect } = await openReplica(await authorCore())
    const log = await logOf(core)
    await readRange(log, { start: 0, end: 4 })
    disconnect()
    await expectCode(readRange(log, { start: 0, end: 5 }, { wait: false }), 'NOT_AVAILABLE')
  })
})
