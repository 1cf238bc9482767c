import { expect, test } from 'vitest'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import { eventually, standing, subscribe, subscribeSoon } from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const READERS = 8
const WANTED_READERS = 5

test('readers that join at one moment are connected to each other, not only to the author', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const readers = await Promise.all(Array.from({ length: READERS }, () => openPeer(bootstrap)))

  await Promise.all(readers.map((reader) => subscribe(reader, author.link)))

  await eventually(async () => {
    for (const reader of readers) {
      const { peers } = await standing(reader, author.feedKey)
      // One of them is the author.
      expect(peers).toBeGreaterThanOrEqual(WANTED_READERS + 1)
    }
  })
})

test('two readers that join at one moment with nobody else online find each other', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap)
  await author.engine.close()
  const readers = [await openPeer(bootstrap), await openPeer(bootstrap)]

  await Promise.all(readers.map((reader) => subscribeSoon(reader, author.link)))

  await eventually(async () => {
    for (const reader of readers) {
      expect(await standing(reader, author.feedKey)).toMatchObject({ peers: 1 })
    }
  })
})
