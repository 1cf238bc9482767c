import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { all, expectFailure, single } from '../helpers/operations.ts'
import { openAuthor, publish } from '../helpers/peers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

const newsletter = 'Tide tables'

/** `amend`, `retract` and what readers are shown of it, without a network unless there must be one. */
export function correctingTests(subject: Subject): void {
  it('changes the profile of a newsletter, as its readers see it, and leaves the rest of it', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    const authors = [{ name: 'Marit', url: 'https://example.org/marit' }]
    const website = 'https://tides.example'
    const first = { newsletter, description: 'When to go.', authors, website }
    const edited = {
      feedKey,
      changed: true,
      title: newsletter,
      letters: 'nobody',
      authors,
      website,
    }
    expect(await operations.editNewsletter(first)).toEqual({
      ...edited,
      description: 'When to go.',
    })
    const second = { newsletter, title: 'Tides of the Sound', remove: ['description' as const] }
    const title = 'Tides of the Sound'
    expect(await operations.editNewsletter(second)).toEqual({ ...edited, title })
    // Its old title is nobody's any more.
    await expectFailure('NEWSLETTER_NOT_FOUND', operations.editNewsletter({ newsletter }))
    const same = { ...edited, title, changed: false }
    expect(await operations.editNewsletter({ newsletter: title })).toEqual(same)
    expect(await operations.editNewsletter({ newsletter: title, title })).toEqual(same)
    await publish(operations, '# Two\n')
    expect(single(await operations.listNewsletters({}))).toMatchObject({ title, issues: 2 })
    expect(await operations.readIssue({ newsletter: title })).toMatchObject({
      newsletter: title,
      number: 2,
    })
  })

  it('takes payment addresses of which no character is wrong, and points out a change of them', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const summary = async () => single(await operations.listNewsletters({ newsletter: feedKey }))
    const right = { uri: 'bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' }
    const wrong = { uri: 'bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5' }
    for (const bad of [[wrong], [right, { uri: 'dogecoin:D' }], [{ uri: 'no address' }]]) {
      await expectFailure('INVALID_INPUT', operations.editNewsletter({ newsletter, support: bad }))
      const title = 'Others'
      await expectFailure('INVALID_INPUT', operations.createNewsletter({ title, support: bad }))
    }
    expect(await summary()).not.toHaveProperty('support')
    const support = [{ ...right, label: 'Tea' }]
    expect(await operations.editNewsletter({ newsletter, support })).toMatchObject({ support })
    expect(await summary()).toMatchObject({ support })
    expect(await summary()).not.toHaveProperty('supportChanged')
    const others = [{ uri: 'lightning:mara@tides.example' }]
    await operations.editNewsletter({ newsletter, support: others })
    expect(await summary()).toMatchObject({
      support: others,
      supportChanged: { before: [right.uri] },
    })
    await operations.editNewsletter({ newsletter, remove: ['support'] })
    const gone = await summary()
    expect(gone).not.toHaveProperty('support')
    expect(gone).toMatchObject({ supportChanged: { before: [right.uri] } })
  })

  it('amends an issue, of which number and date stay and all else is new', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const date = '2026-03-20T06:30:00Z'
    await publish(
      operations,
      `---\ntitle: One\ndate: ${date}\ntags: [a]\n---\nHigh water at 12:10.\n`,
    )
    await publish(operations, '# Two\n')
    const draft = { markdown: '---\ntitle: "One, mended"\nsummary: Later.\n---\nAt 14:10.\n' }
    const amended = await operations.amendIssue({ newsletter, number: 1, draft, note: 'The time.' })
    expect(amended).toStrictEqual({
      feedKey,
      number: 1,
      title: 'One, mended',
      amendedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      editions: 2,
      warnings: [],
    })
    const { publishedAt } = await operations.readIssue({ newsletter, number: 1, edition: 1 })
    expect(publishedAt).toMatch(/^2026-03-20T06:30:00/)
    expect(await operations.readIssue({ newsletter, number: 1 })).toStrictEqual({
      feedKey,
      newsletter,
      number: 1,
      title: 'One, mended',
      summary: 'Later.',
      publishedAt,
      markdown: 'At 14:10.\n',
      attachments: [],
      editions: 2,
      editionBlock: 6,
      amendedAt: amended.amendedAt,
      note: 'The time.',
      verified: true,
      own: true,
    })
    const listed = await operations.listIssues({ newsletter, copies: true })
    expect(listed.map((it) => it.copies)).toEqual([0, 0])
    expect(listed.map((it) => [it.number, it.title, it.amendedAt])).toStrictEqual([
      [2, 'Two', undefined],
      [1, 'One, mended', amended.amendedAt],
    ])
    expect(listed.every((it) => it.held)).toBe(true)
  })

  it('reads each edition of an issue, with its own attachments', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const [first, second] = [randomBytes(70_000), randomBytes(90_000)]
    const draft = { markdown: '# One\n\n![](tide.png)\n', folder }
    await writeFile(join(folder, 'tide.png'), first)
    await all(operations.publishIssue({ draft }))
    await writeFile(join(folder, 'tide.png'), second)
    await operations.amendIssue({ newsletter, number: 1, draft })
    await operations.amendIssue({ newsletter, number: 1, draft: { markdown: '# Third\n' } })
    const bytes = async (edition?: number) => {
      const input = { newsletter, number: 1, name: 'tide.png' }
      const chosen = edition === undefined ? input : { ...input, edition }
      return Buffer.concat(await all(operations.readAttachment(chosen)))
    }
    expect(await bytes(1)).toStrictEqual(first)
    expect(await bytes(2)).toStrictEqual(second)
    await expectFailure('ISSUE_NOT_FOUND', bytes())
    const read = (edition: number) => operations.readIssue({ newsletter, number: 1, edition })
    expect(await read(1)).toMatchObject({ editions: 3, attachments: [{ bytes: 70_000 }] })
    expect(await read(1)).not.toHaveProperty('amendedAt')
    expect(await read(2)).toMatchObject({ amendedAt: expect.any(String) as string })
    expect(await read(3)).toMatchObject({ title: 'Third', attachments: [] })
    await expectFailure('ISSUE_NOT_FOUND', read(4))
  })

  it('warns of a picture that is missing from an amendment', async () => {
    const { operations } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    const draft = { markdown: '# One\n\n![Gone](gone.png)\n' }
    const { warnings } = await operations.amendIssue({ newsletter, number: 1, draft })
    expect(single(warnings).line).toBe(3)
  })

  it('retracts an issue, of which number, date and title stay', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    await publish(operations, '---\ntitle: One\nsummary: Of high water.\n---\nAt noon.\n')
    await operations.amendIssue({ newsletter, number: 1, draft: { markdown: '# One, mended\n' } })
    await publish(operations, '# Two\n')
    const { publishedAt } = await operations.readIssue({ newsletter, number: 1 })
    const retracted = await operations.retractIssue({ newsletter, number: 1, reason: 'Wrong.' })
    expect(retracted).toStrictEqual({
      feedKey,
      number: 1,
      title: 'One, mended',
      retractedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    })
    const { retractedAt } = retracted
    expect(await operations.readIssue({ newsletter, number: 1 })).toMatchObject({
      number: 1,
      title: 'One, mended',
      publishedAt,
      markdown: '',
      attachments: [],
      retracted: { at: retractedAt, reason: 'Wrong.' },
      verified: true,
    })
    const [, listed] = await operations.listIssues({ newsletter })
    expect(listed).toMatchObject({ number: 1, title: 'One, mended', publishedAt, retractedAt })
    expect(listed).toMatchObject({ held: true })
    expect(listed).not.toHaveProperty('summary')
    const { newsletters } = await operations.status({})
    expect(single(newsletters)).toMatchObject({ heldBlocks: 8, length: 8 })
  })

  it('gives no attachment and no edition of a retracted issue', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'tide.png'), 'a picture')
    await all(operations.publishIssue({ draft: { markdown: '# One\n\n![](tide.png)\n', folder } }))
    await operations.retractIssue({ newsletter, number: 1 })
    const name = 'tide.png'
    await expectFailure(
      'ISSUE_NOT_FOUND',
      operations.readAttachment({ newsletter, number: 1, name }),
    )
    const issue = await operations.readIssue({ newsletter, number: 1, edition: 1 })
    expect(issue).toMatchObject({ markdown: '', retracted: {} })
    expect(issue.retracted).not.toHaveProperty('reason')
  })

  it('refuses to correct what does not exist, or was retracted', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const draft = { markdown: '# One\n' }
    const refused = async (code: 'ISSUE_NOT_FOUND' | 'INVALID_INPUT', number: number) => {
      await expectFailure(code, operations.amendIssue({ newsletter, number, draft }))
      await expectFailure(code, operations.retractIssue({ newsletter, number }))
    }
    await refused('ISSUE_NOT_FOUND', 1)
    await publish(operations, '# One\n')
    await refused('ISSUE_NOT_FOUND', 2)
    await operations.retractIssue({ newsletter, number: 1 })
    await refused('INVALID_INPUT', 1)
    const { newsletters } = await operations.status({})
    expect(single(newsletters)).toMatchObject({ feedKey, length: 4 })
  })

  it('lets only one of two retractions at one moment through, and an amendment only before it', async () => {
    const { operations } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    const draft = { markdown: '# One, mended\n' }
    const results = await Promise.allSettled([
      operations.retractIssue({ newsletter, number: 1 }),
      operations.amendIssue({ newsletter, number: 1, draft }),
      operations.retractIssue({ newsletter, number: 1 }),
      operations.amendIssue({ newsletter, number: 1, draft }),
    ])
    expect(
      results.filter((_, i) => i % 2 === 0 && results[i]?.status === 'fulfilled'),
    ).toHaveLength(1)
    const amended = results.filter((it, i) => i % 2 === 1 && it.status === 'fulfilled').length
    const issue = await operations.readIssue({ newsletter, number: 1 })
    expect(issue).toMatchObject({ editions: 1 + amended, retracted: {} })
  })

  it('publishes on after a retraction', async () => {
    const { operations } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    await operations.retractIssue({ newsletter, number: 1 })
    expect(await publish(operations, '# Two\n')).toMatchObject({ number: 2 })
    expect(await titles(operations)).toStrictEqual(['Two', 'One'])
  })

  it('refuses what somebody else publishes', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 1 })
    const operations = await open(subject, network)
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    const draft = { markdown: '# One\n' }
    await expectFailure('NOT_AUTHOR', operations.amendIssue({ newsletter, number: 1, draft }))
    await expectFailure('NOT_AUTHOR', operations.retractIssue({ newsletter, number: 1 }))
  })

  it('shows a subscriber what was corrected, in a private newsletter too', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 3, isPrivate: true })
    const draft = { markdown: '# Mended\n' }
    await author.operations.amendIssue({ newsletter, number: 2, draft, note: 'The time.' })
    await author.operations.retractIssue({ newsletter, number: 1, reason: 'Wrong.' })
    const operations = await open(subject, network)
    const events = await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    expect(events.at(-1)).toMatchObject({ event: 'progress', heldBlocks: 10, length: 10 })
    const inbox = await operations.listInbox({ show: 'all' })
    expect(inbox.map((it) => [it.title, it.amendedAt, it.retractedAt, it.held])).toStrictEqual([
      ['Issue 3', undefined, undefined, true],
      ['Mended', expect.any(String), undefined, true],
      ['Issue 1', undefined, expect.any(String), true],
    ])
    expect(await operations.readIssue({ newsletter, number: 1 })).toMatchObject({
      retracted: { reason: 'Wrong.' },
      markdown: '',
    })
    const unread = await operations.listInbox({})
    expect(unread.map((it) => it.number)).toStrictEqual([3, 2])
    expect(await operations.listNewsletters({})).toMatchObject([{ issues: 3, unread: 2 }])
  })

  it('brings back what was read and then amended, until it is read again', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 3 })
    const operations = await open(subject, network)
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    await operations.readIssue({ newsletter, number: 3, markRead: true })
    await operations.markIssue({ newsletter, number: 2, read: true })
    await operations.markIssues({ newsletter, numbers: [1], read: true })
    expect(await operations.listInbox({})).toStrictEqual([])
    const amend = async (number: number) => {
      const draft = { markdown: `# Mended ${number}\n` }
      await author.operations.amendIssue({ newsletter, number, draft, note: 'The time.' })
      await eventually(async () => {
        expect(await titles(operations)).toContain(`Mended ${number}`)
      })
    }
    for (const number of [1, 2, 3]) await amend(number)
    expect(await operations.listInbox({})).toMatchObject(
      [3, 2, 1].map((number) => ({ number, read: false, corrected: true, note: 'The time.' })),
    )
    expect(await operations.listNewsletters({})).toMatchObject([{ unread: 3 }])
    // The text that was read before is no reason to take it from the inbox.
    await operations.readIssue({ newsletter, number: 3, edition: 1, markRead: true })
    expect(await operations.listInbox({})).toHaveLength(3)
    await operations.readIssue({ newsletter, number: 3, markRead: true })
    expect(await operations.markIssue({ newsletter, number: 2, read: true })).toMatchObject({
      read: true,
    })
    expect(await operations.markIssues({ newsletter, read: true })).toMatchObject({ changed: 1 })
    expect(await operations.listInbox({})).toStrictEqual([])
    const listed = await operations.listIssues({ newsletter })
    expect(listed.some((it) => 'corrected' in it || 'note' in it)).toBe(false)
    await author.operations.retractIssue({ newsletter, number: 1 })
    await eventually(async () => {
      expect((await operations.listIssues({ newsletter })).at(-1)).toHaveProperty('retractedAt')
    })
    expect(await operations.listInbox({})).toStrictEqual([])
  })
}

async function titles(operations: Operations): Promise<string[]> {
  return (await operations.listIssues({ newsletter })).map((it) => it.title)
}
