import { expect, test } from 'vitest'
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
