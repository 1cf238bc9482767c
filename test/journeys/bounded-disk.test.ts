import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KEEP_OPEN } from '../../src/replication/idle/idle-feeds.ts'
import { all, expectFailure } from '../helpers/operations.ts'
import { openPeer } from '../helpers/peers.ts'
import {
  bytesOnDisk,
  heldNumbers,
  openCapped,
  openPicturesAuthor,
  type PicturesAuthor,
} from '../helpers/pictures.ts'
import { eventually, feedOf, folderWithImage, standing, subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

const MB = 1e6

/** Of which the storage takes a third for itself. */
const CAP = 16 * MB

/** Down from `newest`, so many. */
function newest(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from - i)
}

describe('a newsletter that is larger than the disk cap', () => {
  it('never takes more, holds its newest issues, and lets an old one be read on demand', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 60, pictureBytes: MB / 2 })
    const reader = await openCapped(network, CAP)
    const newsletter = author.feedKey
    await all(reader.operations.subscribe({ link: author.link, timeoutSeconds: 20 }))

    const held = await heldNumbers(reader, newsletter)
    expect(held.length).toBeGreaterThan(8)
    expect(held).toEqual(newest(60, held.length))
    const { disk } = await reader.operations.status({})
    expect(disk).toMatchObject({ capBytes: CAP, next: { number: held.at(-1) } })
    expect(await standing(reader, newsletter)).toMatchObject({
      issues: 60,
      leftOut: 60 - held.length,
      keep: {},
    })

    const old = await reader.operations.readIssue({ newsletter, number: 3 })
    expect(old).toMatchObject({ title: 'Issue 3', verified: true })
    const bytes = await all(
      reader.operations.readAttachment({ newsletter, number: 3, name: 'tide.png' }),
    )
    expect(Buffer.concat(bytes)).toHaveLength(MB / 2)
    expect(await heldNumbers(reader, newsletter)).toContain(3)

    const feed = await feedOf(reader, newsletter)
    const asked = new Set<number>()
    coreOf(feed).on('download', (index) => asked.add(index))
    const before = feed.length
    for (let i = 0; i < 20; i++) await author.publish(MB / 2)
    await eventually(async () => {
      expect((await heldNumbers(reader, newsletter)).slice(0, 5)).toEqual(newest(80, 5))
      const { length } = author.feed
      expect(await standing(reader, newsletter)).toMatchObject({ length, heldBlocks: length })
    })
    const after = await heldNumbers(reader, newsletter)
    expect(after.filter((it) => it > 10)).toEqual(newest(80, after.filter((it) => it > 10).length))
    // What was dropped to make room is not fetched again.
    expect([...asked].filter((it) => it < before)).toEqual([])
    expect(reader.most()).toBeLessThan(CAP * 1.1)
  }, 60_000)

  it('stays as it is over a restart', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 40, pictureBytes: MB / 2 })
    const before = await openCapped(network, CAP)
    const newsletter = author.feedKey
    await all(before.operations.subscribe({ link: author.link, timeoutSeconds: 20 }))
    const held = await heldNumbers(before, newsletter)
    await before.engine.close()

    const after = await openCapped(network, CAP, before.config.dataDir)
    await after.engine.retention.runNow()
    await eventually(async () => {
      expect((await standing(after, newsletter)).peers).toBe(1)
    })
    await author.publish(1_000)
    await eventually(async () => {
      expect(await heldNumbers(after, newsletter)).toEqual([41, ...held])
    })
    const { downloadedBytes } = await standing(after, newsletter)
    expect(downloadedBytes).toBeLessThan(MB / 2)
  }, 60_000)

  it('holds no issue that alone is larger than the cap, and says so', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 2, pictureBytes: 1_000 })
    await author.publish(CAP)
    await author.publish(1_000)
    const reader = await openCapped(network, CAP)
    const newsletter = author.feedKey
    await all(reader.operations.subscribe({ link: author.link, timeoutSeconds: 20 }))
    expect(await heldNumbers(reader, newsletter)).toEqual([4, 2, 1])
    expect(await standing(reader, newsletter)).toMatchObject({ tooLarge: [3], leftOut: 1 })
    const text = await reader.operations.readIssue({ newsletter, number: 3 })
    expect(text).toMatchObject({ title: 'Issue 3', verified: true })
    const picture = reader.operations.readAttachment({ newsletter, number: 3, name: 'tide.png' })
    await expectFailure('TOO_LARGE', all(picture))
    expect(reader.most()).toBeLessThan(CAP)
  }, 60_000)

  it('keeps what is starred, however old', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 40, pictureBytes: MB / 2 })
    const reader = await openCapped(network, CAP)
    const newsletter = author.feedKey
    await all(reader.operations.subscribe({ link: author.link, timeoutSeconds: 20 }))
    await reader.operations.markIssue({ newsletter, number: 2, starred: true })
    await eventually(async () => {
      expect(await heldNumbers(reader, newsletter)).toContain(2)
    })
    for (let i = 0; i < 20; i++) await author.publish(MB / 2)
    await eventually(async () => {
      const held = await heldNumbers(reader, newsletter)
      expect(held.at(0)).toBe(60)
      expect(held.at(-1)).toBe(2)
      expect(held).not.toContain(40)
    })
    expect(reader.most()).toBeLessThan(CAP * 1.1)
  }, 60_000)

  it('shares the room with another one, and leaves a small one whole', async () => {
    const network = await privateNetwork()
    const large = await openPicturesAuthor(network, { issues: 40, pictureBytes: MB / 2 })
    const medium = await openPicturesAuthor(network, { issues: 40, pictureBytes: MB / 4, seed: 2 })
    const small = await openPicturesAuthor(network, { issues: 10, pictureBytes: 20_000, seed: 3 })
    const reader = await openCapped(network, CAP)
    for (const { link } of [large, medium, small]) await subscribe(reader, link)
    await eventually(async () => {
      for (const { feedKey } of [large, medium, small]) {
        const { heldBlocks, length } = await standing(reader, feedKey)
        expect(heldBlocks).toBe(length)
      }
      expect(await heldNumbers(reader, small.feedKey)).toEqual(newest(10, 10))
      const bytes = async (feedKey: string, each: number) =>
        (await heldNumbers(reader, feedKey)).length * each
      const [more, less] = [await bytes(large.feedKey, MB / 2), await bytes(medium.feedKey, MB / 4)]
      expect(less).toBeGreaterThan(1.5 * MB)
      expect(Math.abs(more - less)).toBeLessThanOrEqual(MB)
    })
    expect(reader.most()).toBeLessThan(CAP * 1.1)

    // The room of one that is given up goes to the others, and the disk is freed of it.
    await reader.operations.unsubscribe({ newsletter: large.feedKey })
    await eventually(async () => {
      expect((await heldNumbers(reader, medium.feedKey)).length).toBeGreaterThan(20)
    })
    expect(reader.most()).toBeLessThan(CAP * 1.1)
  }, 60_000)
})

describe('a newsletter that rests', () => {
  it('gives room to another one all the same', async () => {
    const network = await privateNetwork()
    const first = await openPicturesAuthor(network, { issues: 24, pictureBytes: MB / 2 })
    const before = await openCapped(network, CAP)
    await subscribe(before, first.link)
    const alone = await heldNumbers(before, first.feedKey)
    for (let i = 0; i < KEEP_OPEN; i++) {
      await before.operations.createNewsletter({ title: `Younger ${i}` })
    }
    const { dataDir } = before.config
    await before.engine.close()

    const reader = await openCapped(network, CAP, dataDir)
    const second = await openPicturesAuthor(network, { issues: 24, pictureBytes: MB / 2, seed: 2 })
    await subscribe(reader, second.link)
    await eventually(async () => {
      const both = [first, second].map((it) => heldNumbers(reader, it.feedKey))
      const [some, others] = (await Promise.all(both)).map((it) => it.length)
      expect(others).toBeGreaterThan(alone.length / 3)
      expect(Math.abs((some ?? 0) - (others ?? 0))).toBeLessThanOrEqual(1)
    }, 20_000)
    expect(reader.most()).toBeLessThan(CAP * 1.1)
  }, 60_000)
})

describe('a seeder with a disk cap', () => {
  it('passes on what it holds, and nobody waits for ever for what it dropped', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 40, pictureBytes: MB / 2 })
    const seeder = await openCapped(network, CAP)
    const newsletter = author.feedKey
    await seeder.operations.seed({ link: author.link })
    await all(seeder.operations.followSync({ newsletter, timeoutSeconds: 20 }))
    const held = await heldNumbers(seeder, newsletter)
    expect(held.length).toBeGreaterThan(5)
    expect(held.length).toBeLessThan(30)

    const witness = await openPeer(network)
    await subscribe(witness, author.link)
    await eventually(async () => {
      // The author has everything, the seeder has not, and says so.
      expect(await standing(witness, newsletter)).toMatchObject({ peers: 2, fullCopies: 1 })
    })
    await witness.engine.close()
    await author.engine.network().then((it) => it.close())

    const reader = await openPeer(network)
    await all(reader.operations.subscribe({ link: author.link, wait: false }))
    await eventually(async () => {
      expect(await heldNumbers(reader, newsletter)).toEqual(held)
      expect(await reader.operations.listIssues({ newsletter })).toHaveLength(40)
    }, 20_000)
    const dropped = { newsletter, number: 1, timeoutSeconds: 0.5 }
    await expectFailure('NOT_AVAILABLE', reader.operations.readIssue(dropped))
    // What it holds can be had from it after that too.
    const [last] = held
    const issue = await reader.operations.readIssue({ newsletter, ...(last && { number: last }) })
    expect(issue).toMatchObject({ verified: true })
  }, 60_000)

  it('keeps the newest blocks of a newsletter that it cannot read', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, {
      issues: 60,
      pictureBytes: MB / 2,
      isPrivate: true,
    })
    const seeder = await openCapped(network, CAP)
    const newsletter = author.feedKey
    await seeder.operations.seed({ link: newsletter })
    await all(seeder.operations.followSync({ newsletter, timeoutSeconds: 20 }))
    const feed = await feedOf(seeder, newsletter)
    const { length } = feed
    await eventually(() => {
      const held = feed.log.countHeld({ start: 0, end: length })
      expect(held).toBeGreaterThan(length / 10)
      expect(feed.log.countHeld({ start: length - held + 1, end: length })).toBe(held - 1)
    })
    expect(seeder.most()).toBeLessThan(CAP * 1.1)
    await author.engine.close()

    const reader = await openPeer(network)
    await all(reader.operations.subscribe({ link: author.link, wait: false }))
    await eventually(async () => {
      expect(await heldNumbers(reader, newsletter)).toContain(60)
    }, 20_000)
  }, 60_000)
})

describe('a policy', () => {
  it('takes what it leaves out off the disk, and gives it back when it ends', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 12, pictureBytes: MB })
    const reader = await openCapped(network, 100 * MB)
    const { dataDir } = reader.config
    const newsletter = author.feedKey
    await all(reader.operations.subscribe({ link: author.link, timeoutSeconds: 20 }))
    await reader.engine.flush()
    const before = await bytesOnDisk(dataDir)
    const kept = await reader.operations.keepNewsletter({ newsletter, keep: { newest: 3 } })
    expect(kept).toMatchObject({ keep: { newest: 3 }, issues: 12, leftOut: 9 })
    expect(await heldNumbers(reader, newsletter)).toEqual([12, 11, 10])
    expect(await bytesOnDisk(dataDir)).toBeLessThan(before - 5 * MB)

    await author.publish(MB)
    await eventually(async () => {
      expect(await heldNumbers(reader, newsletter)).toEqual([13, 12, 11])
    })
    await reader.operations.keepNewsletter({ newsletter, keep: {} })
    await eventually(async () => {
      expect(await heldNumbers(reader, newsletter)).toHaveLength(13)
    })
  }, 60_000)

  it('can leave out pictures, and still lists issues as held', async () => {
    const network = await privateNetwork()
    const pictures = { issues: 6, pictureBytes: MB, isOnline: false }
    const author = await openPicturesAuthor(network, pictures)
    const reader = await openCapped(network, 100 * MB)
    const newsletter = author.feedKey
    await all(reader.operations.subscribe({ link: author.link, wait: false }))
    await reader.operations.keepNewsletter({ newsletter, keep: { textOnly: true } })
    await author.engine.network()
    await all(reader.operations.followSync({ newsletter, timeoutSeconds: 20 }))
    await eventually(async () => {
      expect(await heldNumbers(reader, newsletter)).toEqual(newest(6, 6))
    })
    const issue = await reader.operations.readIssue({ newsletter, number: 4 })
    expect(issue).toMatchObject({ verified: true, attachments: [{ held: false }] })
    const bytes = await all(
      reader.operations.readAttachment({ newsletter, number: 4, name: 'tide.png' }),
    )
    expect(Buffer.concat(bytes)).toHaveLength(MB)
    expect((await standing(reader, newsletter)).downloadedBytes).toBeLessThan(1.5 * MB)
  }, 60_000)

  it('by bytes and by age keeps the newest that fit', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 0, pictureBytes: 0 })
    const now = Date.now()
    for (const days of [400, 200, 100, 50, 1]) {
      const publishedAt = new Date(now - days * 86_400_000).toISOString()
      await author.publish(100_000, publishedAt)
    }
    const reader = await openCapped(network, 100 * MB)
    const newsletter = author.feedKey
    await all(reader.operations.subscribe({ link: author.link, timeoutSeconds: 20 }))
    const held = async (keep: object) => {
      await reader.operations.keepNewsletter({ newsletter, keep })
      return eventually(async () => {
        const { heldBlocks, length } = await standing(reader, newsletter)
        expect(heldBlocks).toBe(length)
        return heldNumbers(reader, newsletter)
      })
    }
    expect(await held({ newerThan: '90d' })).toEqual([5, 4])
    expect(await held({ newerThan: '1y', newest: 3 })).toEqual([5, 4, 3])
    expect(await held({ atMostBytes: 250_000 })).toEqual([5, 4])
  }, 60_000)
})

describe('under a small cap', () => {
  it('a bundle finds room where it fits, and is refused where it never does', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 30, pictureBytes: MB / 2 })
    const other = await openPicturesAuthor(network, { issues: 8, pictureBytes: MB / 2, seed: 2 })
    const reader = await openCapped(network, CAP)
    await subscribe(reader, author.link)
    const bundle = async (peer: PicturesAuthor) => {
      const file = join(await temporaryDirectory(), 'newsletter.bundle')
      const bytes = await all(peer.operations.exportBundle({ newsletter: peer.feedKey }))
      await writeFile(file, Buffer.concat(bytes))
      return file
    }
    const large = reader.operations.importBundle({ file: await bundle(author), subscribe: true })
    await expectFailure('TOO_LARGE', all(large))
    const before = await heldNumbers(reader, author.feedKey)
    const small = { file: await bundle(other), subscribe: true }
    await all(reader.operations.importBundle(small))
    await eventually(async () => {
      expect((await heldNumbers(reader, author.feedKey)).length).toBeLessThan(before.length)
      expect((await heldNumbers(reader, other.feedKey)).length).toBeGreaterThan(5)
    })
    expect(reader.most()).toBeLessThan(CAP * 1.1)
  }, 60_000)

  it('an author gets all of a newsletter back', async () => {
    const network = await privateNetwork()
    const author = await openPeer(network)
    const { feedKey, recoveryPhrase, link } = await author.operations.createNewsletter({
      title: 'Tide tables',
    })
    const { folder } = await folderWithImage('tide.png', MB)
    for (let i = 0; i < 20; i++) {
      const markdown = `# Issue\n\n![Tide](tide.png)\n`
      await all(author.operations.publishIssue({ draft: { markdown, folder } }))
    }
    const keeper = await openPeer(network)
    await subscribe(keeper, link)
    await author.engine.close()
    const device = await openCapped(network, CAP)
    await all(device.operations.restoreNewsletter({ recoveryPhrase, timeoutSeconds: 20 }))
    expect(await heldNumbers(device, feedKey)).toHaveLength(20)
    const { disk } = await device.operations.status({})
    expect(disk.usedBytes).toBeLessThan(CAP)
  }, 60_000)

  it('a cap that is lowered while the daemon runs holds from then on', async () => {
    const network = await privateNetwork()
    const author = await openPicturesAuthor(network, { issues: 24, pictureBytes: MB / 2 })
    const reader = await openCapped(network, 2 * CAP)
    const newsletter = author.feedKey
    await subscribe(reader, author.link)
    expect(await heldNumbers(reader, newsletter)).toHaveLength(24)
    const { live } = reader.engine
    expect(await live.replace({ ...live.value, diskCap: CAP })).toMatchObject({
      applied: ['diskCap'],
    })
    await eventually(async () => {
      const held = await heldNumbers(reader, newsletter)
      expect(held.length).toBeLessThan(20)
      expect(held).toEqual(newest(24, held.length))
      expect(await bytesOnDisk(reader.config.dataDir)).toBeLessThan(CAP)
    })
  }, 60_000)
})
