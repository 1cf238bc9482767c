import { describe, expect, it } from 'vitest'
import { rangeBytes } from '../../src/log/internals/stored-blocks.ts'
import { openReplica, openStore } from '../helpers/stores.ts'

/** Blocks of 1, 2, 3 … bytes, and how many bytes those of a range have. */
async function coreWith(length: number) {
  const core = (await openStore()).get({ name: 'sizes' })
  await core.ready()
  await core.append(Array.from({ length }, (_, i) => Buffer.alloc(i + 1)))
  const sum = (start: number, end: number) => ((start + 1 + end) * (end - start)) / 2
  return { core, sum }
}

describe('the bytes of a range', () => {
  it.each([1, 2, 3, 7, 8, 11, 13])('are known of all %i blocks that are here', async (length) => {
    const { core, sum } = await coreWith(length)
    for (let start = 0; start < length; start++) {
      for (let end = start + 1; end <= length; end++) {
        expect(await rangeBytes(core, { start, end }), `${start} to ${end}`).toBe(sum(start, end))
      }
    }
  })

  it('are known before its blocks are here, by the one before it and its last', async () => {
    const { core, sum } = await coreWith(13)
    const { core: replica } = await openReplica(core)
    expect(await rangeBytes(replica, { start: 4, end: 10 })).toBeUndefined()
    await replica.get(3)
    await replica.get(9)
    expect(await replica.has(4, 9)).toBe(false)
    expect(await rangeBytes(replica, { start: 4, end: 10 })).toBe(sum(4, 10))
    expect(await rangeBytes(replica, { start: 0, end: 10 })).toBe(sum(0, 10))
  })

  it('are not known behind the end', async () => {
    const { core } = await coreWith(3)
    expect(await rangeBytes(core, { start: 0, end: 4 })).toBeUndefined()
  })
})
