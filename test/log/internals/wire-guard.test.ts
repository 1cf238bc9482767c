import { describe, expect, test } from 'vitest'
import { guardReplication } from '../../../src/log/internals/wire-guard.ts'
import { muxPair } from '../../helpers/mux-pair.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

test('what fails while requests that waited are answered ends the connection, and not the process', async () => {
  const [near, far] = await muxPair()
  guardReplication(near, { onViolation: () => undefined, onExcess: () => undefined })
  const name = { protocol: 'hypercore/alpha', id: Buffer.alloc(32, 1), messages: [] }
  // As of a request for a block that is not here, of a peer that has answered none of ours.
  const ondrain = () => Promise.reject(new TypeError('There is no proof.'))
  const channel = near.createChannel({ ...name, ondrain })
  const other = far.createChannel(name)
  channel?.open()
  other?.open()
  await channel?.fullyOpened()
  near.stream.emit('drain')
  await eventually(() => expect(near.stream.destroyed).toBe(true))
})

test('an error of type outside of all channels ends the connection, and not the process', async () => {
  const [near, far] = await muxPair()
  near.pair({ protocol: 'strange' }, () => Promise.reject(new TypeError('That is no name.')))
  far.createChannel({ protocol: 'strange' })?.open()
  await eventually(() => expect(near.stream.destroyed).toBe(true))
})

test('pieces within pieces end the connection before the stack does', async () => {
  const [near, far] = await muxPair()
  const lost: string[] = []
  near.stream.on('error', (error) => lost.push(error.message))
  // Of the channel of the multiplexer itself, each with the next one in it, as long as may be.
  const piece = Buffer.from([0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f])
  far.stream.write(Buffer.concat([Buffer.of(0), ...Array.from({ length: 20_000 }, () => piece)]))
  await eventually(() => expect(near.stream.destroyed).toBe(true))
  expect(lost).toEqual(['One piece is within another.'])
})

describe('a peer that opens channels which nobody knows', () => {
  async function guarded() {
    const [near, far] = await muxPair()
    const violations: string[] = []
    const holds: number[] = []
    guardReplication(near, {
      onViolation: (what) => violations.push(what),
      onExcess: (forMs) => holds.push(forMs),
    })
    const open = (count: number) => {
      far.cork()
      for (let i = 0; i < count; i++) far.createChannel({ protocol: `channel ${i}` })?.open()
      far.uncork()
    }
    return { near, violations, holds, open }
  }

  test('waits where it opens thousands', async () => {
    const { near, violations, holds, open } = await guarded()
    open(7_000)
    await eventually(() => expect(holds.length).toBeGreaterThan(0))
    expect([violations, near.stream.destroyed]).toEqual([[], false])
  })

  test('is hung up on where it opens tens of thousands', async () => {
    const { near, violations, open } = await guarded()
    open(30_000)
    await eventually(() => expect(near.stream.destroyed).toBe(true))
    expect(violations).toEqual(['peer floods'])
  })
})
