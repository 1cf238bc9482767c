import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLogger } from '../../src/logger.ts'
import { Bans } from '../../src/peers/bans.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const PEER = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

async function open(path?: string) {
  const clock = { now: 1_700_000_000_000 }
  const file = path ?? join(await temporaryDirectory(), 'bans.json')
  const now = () => clock.now
  const reopen = () => Bans.open({ path: file, logger: createLogger('silent'), now })
  return { clock, file, reopen, bans: await reopen() }
}

/** Three misdeeds. Gives for how long the peer is banned for them. */
function offend(bans: Bans, clock: { readonly now: number }, peer = PEER): number {
  bans.strike(peer)
  bans.strike(peer)
  const { bannedUntil } = bans.strike(peer)
  return (bannedUntil ?? NaN) - clock.now
}

test('the third misdeed bans, for longer each time, and for a week at most', async () => {
  const { bans, clock } = await open()
  expect(bans.strike(PEER)).toEqual({ strikes: 1, bannedUntil: undefined })
  expect(bans.strike(PEER)).toEqual({ strikes: 2, bannedUntil: undefined })
  expect(bans.isBanned(PEER)).toBe(false)
  bans.strike(PEER)
  expect(bans.isBanned(PEER)).toBe(true)
  expect(bans.isBanned(OTHER)).toBe(false)
  const lengths: number[] = []
  for (let i = 0; i < 5; i++) {
    clock.now += 8 * DAY_MS
    expect(bans.isBanned(PEER)).toBe(false)
    lengths.push(offend(bans, clock) / MINUTE_MS)
  }
  expect(lengths).toEqual([60, 360, 2_160, 10_080, 10_080])
})

test('bans and misdeeds are kept over a restart, in a file that only its owner reads', async () => {
  const { bans, clock, file, reopen } = await open()
  offend(bans, clock)
  bans.strike(OTHER)
  await bans.close()
  expect((await stat(file)).mode & 0o777).toBe(0o600)

  const again = await reopen()
  expect(again.isBanned(PEER)).toBe(true)
  expect(again.isBanned(OTHER)).toBe(false)
  expect(again.size).toBe(1)
  expect(again.strike(OTHER).strikes).toBe(2)
})

test('who was good for a month begins anew', async () => {
  const { bans, clock } = await open()
  offend(bans, clock)
  clock.now += 31 * DAY_MS
  bans.strike(OTHER)
  expect(offend(bans, clock)).toBe(10 * MINUTE_MS)
})

test('a thousand peers are remembered, those of the last misdeeds', async () => {
  const { bans, clock, file } = await open()
  offend(bans, clock)
  for (let i = 0; i < 1_000; i++) bans.strike(i.toString(16).padStart(64, '0'))
  expect(bans.isBanned(PEER)).toBe(false)
  await bans.close()
  const kept = JSON.parse(await readFile(file, 'utf8')) as object
  expect(Object.keys(kept)).toHaveLength(1_000)
})

test.each(['', 'null', '[1, 2]', '{"ab": 1}', `{"${PEER}": {"bannedUntil": "x"}}`, '{"a":'])(
  'a file that says %j counts as empty, and is written anew',
  async (text) => {
    const path = join(await temporaryDirectory(), 'bans.json')
    await writeFile(path, text)
    const { bans, clock, reopen } = await open(path)
    expect(bans.isBanned(PEER)).toBe(false)
    offend(bans, clock)
    await bans.close()
    expect((await reopen()).isBanned(PEER)).toBe(true)
  },
)

test('without a place to write to they are kept in memory', () => {
  const bans = Bans.inMemory(createLogger('silent'))
  for (let i = 0; i < 3; i++) bans.strike(PEER)
  expect(bans.isBanned(PEER)).toBe(true)
})
