import type Hypercore from 'hypercore'
import type { Peer as ReplicationPeer } from 'hypercore'
import { expect, test } from 'vitest'
import { all } from '../../helpers/operations.ts'
import { openAuthor, openPeer, publish, type Peer } from '../../helpers/peers.ts'
import {
  announce,
  copyPlainly,
  eventually,
  feedOf,
  folderWithImage,
  openPlainly,
  plainPeer,
  subscribe,
  subscribeSoon,
} from '../../helpers/swarm-peers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'
import { coreOf } from '../../helpers/stores.ts'

/** Some fifty blocks: enough to be divided. */
const PICTURE_BYTES = 3_000_000

const DEADLINE_MS = 25_000

async function publishPicture({ operations }: Peer): Promise<void> {
  const { folder } = await folderWithImage('chart.png', PICTURE_BYTES)
  await all(operations.publishIssue({ draft: { markdown: '# Chart\n\n![](chart.png)\n', folder } }))
}

/** Waits until a core holds all there is. */
async function expectWhole(core: Hypercore, length: number): Promise<void> {
  await eventually(() => {
    expect(core.length).toBe(length)
    expect(core.contiguousLength).toBe(length)
  }, DEADLINE_MS)
}

interface BlockMessage {
  readonly block: { readonly value: Buffer } | null
  readonly upgrade: object | null
}

/** Makes a peer answer requests for blocks otherwise, or not at all. Of the length it tells as it is. */
function answerBlocks(
  core: Hypercore,
  answer: (block: { readonly value: Buffer }) => { readonly value: Buffer } | undefined,
): void {
  core.on('peer-add', (peer: ReplicationPeer) => {
    const { wireData } = peer as unknown as {
      wireData: { send(message: BlockMessage): boolean }
    }
    const send = wireData.send.bind(wireData)
    wireData.send = (message) => {
      if (message.block === null || message.upgrade !== null) return send(message)
      const block = answer(message.block)
      return block === undefined || send({ ...message, block })
    }
  })
}

test.each([{ isPrivate: false }, { isPrivate: true }])(
  'a new issue reaches readers that wait for it, and a plain Hypercore reader among them (private: $isPrivate)',
  async ({ isPrivate }) => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1, isPrivate })
    const readers = [
      await openPeer(bootstrap),
      await openPeer(bootstrap),
      await openPeer(bootstrap),
    ]
    for (const reader of readers) await subscribe(reader, author.link)
    const { length: before } = await feedOf(author, author.feedKey)
    const plain = await copyPlainly(await plainPeer(bootstrap), author.feedKey, before)

    await publishPicture(author)

    const { length } = await feedOf(author, author.feedKey)
    for (const reader of readers) {
      await expectWhole(coreOf(await feedOf(reader, author.feedKey)), length)
    }
    await expectWhole(plain, length)
  },
)

test('a peer that has everything and answers nothing keeps nobody from it', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  await publishPicture(author)
  const { length } = await feedOf(author, author.feedKey)
  const silent = await plainPeer(bootstrap)
  const core = await copyPlainly(silent, author.feedKey, length)
  answerBlocks(core, () => undefined)

  const reader = await openPeer(bootstrap)
  await subscribeSoon(reader, author.link)

  await expectWhole(coreOf(await feedOf(reader, author.feedKey)), length)
})

test('a peer that sends false blocks keeps nobody from the issue', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  await publishPicture(author)
  const { length } = await feedOf(author, author.feedKey)
  const core = await copyPlainly(await plainPeer(bootstrap), author.feedKey, length)
  let lies = 0
  answerBlocks(core, (block) => {
    lies++
    return { ...block, value: Buffer.alloc(block.value.byteLength, 1) }
  })

  const reader = await openPeer(bootstrap)
  await subscribeSoon(reader, author.link)

  await expectWhole(coreOf(await feedOf(reader, author.feedKey)), length)
  expect(lies).toBeGreaterThan(0)
})

test('a reader that is connected to readers only gets everything from them', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  await publishPicture(author)
  const { length } = await feedOf(author, author.feedKey)
  const first = await openPeer(bootstrap)
  await subscribe(first, author.link)
  await expectWhole(coreOf(await feedOf(first, author.feedKey)), length)
  await author.engine.close()

  const readers = [await openPeer(bootstrap), await openPeer(bootstrap)]
  await Promise.all(readers.map((reader) => subscribe(reader, author.link)))

  for (const reader of readers) {
    await expectWhole(coreOf(await feedOf(reader, author.feedKey)), length)
  }
})

test('a peer that wants everything and never fetches its share delays nobody for long', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  // It opens the core, and so counts as a reader, but asks for no block.
  const idle = await plainPeer(bootstrap)
  const core = await openPlainly(idle, author.feedKey)
  await announce(idle, core)
  const feed = await feedOf(reader, author.feedKey)
  await eventually(() => expect(coreOf(feed).peers).toHaveLength(2), DEADLINE_MS)

  await publishPicture(author)
  await publish(author.operations, '# After it\n\nSmall.\n')

  const { length } = await feedOf(author, author.feedKey)
  await expectWhole(coreOf(feed), length)
})
