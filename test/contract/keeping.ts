import { expect, it } from 'vitest'
import { all, expectFailure, single } from '../helpers/operations.ts'
import { openAuthor } from '../helpers/peers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

/** `keep`, on a private network. */
export function keepingTests(subject: Subject): void {
  it('keeps the newest issues of a newsletter, lists the others, and reads them on demand', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 4 })
    const operations = await open(subject, network)
    const newsletter = author.feedKey
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    expect(await operations.keepNewsletter({ newsletter })).toStrictEqual({
      feedKey: newsletter,
      title: 'Tide tables',
      keep: {},
      issues: 4,
      leftOut: 0,
    })
    const chosen = await operations.keepNewsletter({ newsletter, keep: { newest: 1 } })
    expect(chosen).toMatchObject({ keep: { newest: 1 }, issues: 4, leftOut: 3 })
    expect(await operations.keepNewsletter({ newsletter })).toStrictEqual(chosen)
    const held = async () =>
      (await operations.listIssues({ newsletter })).map((it) => [it.number, it.held])
    expect(await held()).toStrictEqual([
      [4, true],
      [3, false],
      [2, false],
      [1, false],
    ])
    const status = await operations.status({})
    expect(single(status.newsletters)).toMatchObject({ keep: { newest: 1 }, leftOut: 3 })
    expect(status.disk.usedBytes).toBeGreaterThan(0)
    expect(status.disk.next).toMatchObject({ feedKey: newsletter, number: 4 })

    const old = await operations.readIssue({ newsletter, number: 1 })
    expect(old).toMatchObject({ title: 'Issue 1', verified: true })
    expect(await operations.keepNewsletter({ newsletter, keep: {} })).toMatchObject({ leftOut: 0 })
    await eventually(async () => {
      expect((await held()).every(([, isHeld]) => isHeld)).toBe(true)
    })
  })

  it('keeps an issue that is starred', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 3 })
    const operations = await open(subject, network)
    const newsletter = author.feedKey
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    await operations.markIssue({ newsletter, number: 1, starred: true })
    const kept = await operations.keepNewsletter({ newsletter, keep: { newest: 1 } })
    expect(kept).toMatchObject({ leftOut: 1 })
    const issues = await operations.listIssues({ newsletter })
    expect(issues.filter((it) => it.held).map((it) => it.number)).toStrictEqual([3, 1])
  })

  it('drops nothing of a newsletter that is published here', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const keep = { newest: 1 }
    await expectFailure('INVALID_INPUT', operations.keepNewsletter({ newsletter: feedKey, keep }))
    const shown = await operations.keepNewsletter({ newsletter: feedKey })
    expect(shown).toMatchObject({ keep: {}, leftOut: 0 })
  })

  it('says that there is no such newsletter', async () => {
    const operations = await open(subject)
    await expectFailure('NEWSLETTER_NOT_FOUND', operations.keepNewsletter({ newsletter: 'None' }))
  })
}
