import { expect, test } from 'vitest'
import { all } from '../../helpers/operations.ts'
import { openAuthor, openPeer } from '../../helpers/peers.ts'
import { feedOf } from '../../helpers/swarm-peers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

test('an issue that is dropped while it is read is fetched again, and verified', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 2 })
  const reader = await openPeer(network)
  const newsletter = author.feedKey
  await all(reader.operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
  const feed = await feedOf(reader, newsletter)
  const readBody = feed.readBody.bind(feed)
  let reads = 0
  feed.readBody = async (...args) => {
    const text = await readBody(...args)
    if (++reads === 1) await reader.operations.keepNewsletter({ newsletter, keep: { newest: 1 } })
    return text
  }
  const issue = await reader.operations.readIssue({ newsletter, number: 1 })
  expect({ reads, verified: issue.verified }).toEqual({ reads: 2, verified: true })
})
