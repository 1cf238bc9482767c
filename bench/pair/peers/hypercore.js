// Hypercore as it comes, over the encrypted stream. One more argument: the folder of its store.
import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import { ready } from '../../swarm/peers/line.js'
import { blockBytes, sends, size, whenConnected } from './connection.js'

/** Blocks of one append. */
const BATCH = 64

// Both sides know it, so that no key has to be handed over.
const keyPair = crypto.keyPair(Buffer.alloc(32, 7))
const manifest = { version: 1, signers: [{ publicKey: keyPair.publicKey }] }
const store = new Corestore(process.argv[6])
await store.ready()
const core = store.get(sends ? { manifest, keyPair } : { manifest })
await core.ready()

if (sends) {
  for (let left = size / blockBytes; left > 0; left -= BATCH) {
    const blocks = Array.from({ length: Math.min(BATCH, left) }, () => randomBytes(blockBytes))
    await core.append(blocks)
  }
} else {
  core.download({ start: 0, end: -1 })
  core.once('download', () => ready({ first: true }))
  let isDone = false
  core.on('download', () => {
    if (isDone || core.contiguousLength < size / blockBytes) return
    isDone = true
    ready({ last: true })
  })
}
whenConnected((stream) => core.replicate(stream))
