import { expect, it } from 'vitest'
import { all, expectFailure } from '../helpers/operations.ts'
import { openAuthor } from '../helpers/peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

/** Keys that are well formed and that nobody serves. */
const [ONE, TWO] = ['y'.repeat(52), 'e'.repeat(51) + 'o']

function list(...urls: readonly (readonly [attribute: string, url: string])[]): string {
  const outlines = urls.map(
    ([attribute, url], i) => `<outline text="Outline ${i + 1}" ${attribute}="${url}"/>`,
  )
  return `<opml version="2.0"><head/><body><outline text="Folder">${outlines.join('')}</outline></body></opml>`
}

/** `importOpml`: what of a list is followed, and what is left out. */
export function importingOpmlTests(subject: Subject): void {
  it('follows every newsletter of a list, whoever is online, and says what it leaves out', async () => {
    const operations = await open(subject, await privateNetwork())
    const opml = list(
      ['xmlUrl', `hyperletter://${ONE}`],
      ['xmlUrl', `http://127.0.0.1:4937/feeds/${TWO}/complete/atom.xml`],
      ['xmlUrl', 'https://example.org/feed.xml'],
      ['url', 'hyperletter://short'],
      ['xmlUrl', 'http://127.0.0.1:4937/feeds/all/atom.xml'],
      ['xmlUrl', `https://example.org/feeds/${TWO}/atom.xml`],
      ['htmlUrl', `hyperletter://${ONE}`],
    )
    const { subscribed, skipped } = await operations.importOpml({ opml })
    expect(subscribed).toStrictEqual([
      { feedKey: ONE, title: 'Outline 1', already: false },
      { feedKey: TWO, title: 'Outline 2', already: false },
    ])
    expect(skipped.map(({ title, url, code }) => [title, url, code])).toStrictEqual([
      ['Outline 3', 'https://example.org/feed.xml', 'INVALID_LINK'],
      ['Outline 4', 'hyperletter://short', 'INVALID_LINK'],
      ['Outline 5', 'http://127.0.0.1:4937/feeds/all/atom.xml', 'INVALID_LINK'],
      ['Outline 6', `https://example.org/feeds/${TWO}/atom.xml`, 'INVALID_LINK'],
    ])
    const known = await operations.listNewsletters({})
    // Called as the list calls them, until their own titles arrive.
    expect(known.map(({ feedKey, roles, title }) => [feedKey, roles, title])).toStrictEqual([
      [ONE, ['subscriber'], 'Outline 1'],
      [TWO, ['subscriber'], 'Outline 2'],
    ])
    expect(await operations.listIssues({ newsletter: 'outline 2' })).toEqual([])
    const again = await operations.importOpml({ opml })
    expect(again.subscribed.map((it) => it.already)).toStrictEqual([true, true])
  })

  it('fetches what it follows', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2, isPrivate: true })
    const operations = await open(subject, network)
    await operations.importOpml({ opml: list(['xmlUrl', author.link]) })
    await all(operations.followSync({ newsletter: author.feedKey, timeoutSeconds: 15 }))
    expect(await operations.readIssue({ newsletter: author.feedKey, number: 2 })).toMatchObject({
      title: 'Issue 2',
    })
  })

  it('leaves out a private newsletter whose key is not in the list', async () => {
    const operations = await open(subject, await privateNetwork())
    const opml = list(['xmlUrl', `http://127.0.0.1:4937/feeds/${ONE}/atom.xml?key=abc`])
    expect(await operations.importOpml({ opml })).toMatchObject({
      subscribed: [],
      skipped: [{ code: 'NEEDS_KEY' }],
    })
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })

  it('does not make an author a subscriber', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const opml = list(['xmlUrl', `http://localhost:4937/feeds/${feedKey}/atom.xml`])
    expect(await operations.importOpml({ opml })).toMatchObject({
      subscribed: [{ feedKey, already: true }],
    })
    expect(await operations.listNewsletters({})).toMatchObject([{ roles: ['author'] }])
  })

  it('changes nothing where the list cannot be taken', async () => {
    const operations = await open(subject, await privateNetwork())
    const link = `<outline xmlUrl="hyperletter://${ONE}"/>`
    const tooMany = Array.from({ length: 501 }, (_, i) => [
      'xmlUrl',
      `hyperletter://${i.toString(16).padStart(64, '0')}`,
    ]) as [string, string][]
    await expectFailure('INVALID_INPUT', operations.importOpml({ opml: `<opml>${link}` }))
    await expectFailure('INVALID_INPUT', operations.importOpml({ opml: `<!DOCTYPE o>${list()}` }))
    await expectFailure('TOO_LARGE', operations.importOpml({ opml: list(...tooMany) }))
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })
}
