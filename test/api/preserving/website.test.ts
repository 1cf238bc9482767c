import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SiteFolder } from '../../../src/api/preserving/site-folder.ts'
import { writeWebsite, type WebsiteOptions } from '../../../src/api/preserving/website.ts'
import { validAtom, validJsonFeed } from '../../helpers/feed-validators.ts'
import { all, expectFailure } from '../../helpers/operations.ts'
import { openAuthor, publish, type Peer } from '../../helpers/peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const PICTURES = new URL('../../../fixtures/drafts/images', import.meta.url).pathname

const ASSETS = {
  style: 'body {}',
  icon: new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'),
  verify: '// verify',
  reader: '<!doctype html><title>Reader</title>',
}

async function authorOf(issues: number) {
  const author = await openAuthor([], { isOnline: false, issues })
  const folder = await temporaryDirectory()
  const write = async (options: WebsiteOptions = {}) => {
    await using session = await author.engine.open(author.engine.library.resolve(author.feedKey))
    const site = new SiteFolder(folder, undefined)
    await all(writeWebsite(session.feed, site, options, ASSETS))
    return site.changes
  }
  return { ...author, folder, write }
}

/** Every file of a folder with its text. */
async function textsOf(folder: string): Promise<Map<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = found.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name))
  const texts = files.map(async (it): Promise<[string, string]> => [
    it.slice(folder.length + 1),
    await readFile(it, 'latin1'),
  ])
  return new Map((await Promise.all(texts)).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function changedIn(before: Map<string, string>, after: Map<string, string>): string[] {
  return [...after].filter(([path, text]) => before.get(path) !== text).map(([path]) => path)
}

const publishPicture = ({ operations }: Peer, title: string) =>
  publish(operations, `# ${title}\n\n![Tide](tide.png)\n`, undefined, PICTURES)

describe('a website', () => {
  it('has a page for each issue with its pictures, an index and feeds', async () => {
    const author = await authorOf(2)
    await publishPicture(author, 'With a picture')
    const support = [{ uri: 'lightning:mara@tides.example', label: 'Tea' }]
    await author.operations.editNewsletter({ newsletter: author.feedKey, support })
    await author.write()
    const texts = await textsOf(author.folder)
    expect([...texts.keys()]).toEqual([
      '.nojekyll',
      'atom.xml',
      'feed.json',
      'icon.svg',
      'index.html',
      'issues/1/index.html',
      'issues/2/index.html',
      'issues/3/files/1-tide.png',
      'issues/3/index.html',
      'reader.html',
      'robots.txt',
      'style.css',
      'verify.js',
    ])
    const page = texts.get('issues/2/index.html') ?? ''
    expect(page).toContain('High water at 2')
    expect(page).toContain('rel="prev" href="../../issues/1/index.html"')
    expect(page).toContain('rel="next" href="../../issues/3/index.html"')
    expect(page).toContain(`<meta name="hyperletter" content="${author.link}" />`)
    expect(texts.get('issues/3/index.html')).toContain('src="../../issues/3/files/1-tide.png"')
    expect(texts.get('index.html')).toContain('aria-label="QR code of the link"')
    expect(texts.get('index.html')).toContain('href="lightning:mara@tides.example"')
    const payment = '<link href="lightning:mara@tides.example" rel="payment" title="Tea"/>'
    expect(texts.get('atom.xml')).toContain(payment)
    expect(JSON.parse(texts.get('feed.json') ?? '')).toMatchObject({
      _support: [{ href: 'lightning:mara@tides.example', title: 'Tea' }],
    })
  })

  it('has only relative addresses, so it works in any folder', async () => {
    const author = await authorOf(26)
    await author.write()
    for (const [path, text] of await textsOf(author.folder)) {
      const addresses = [...text.matchAll(/(?:href|src|url)[=:] ?"([^"]*)"/g)].map(([, it]) => it)
      const others = addresses.filter((it) => /^(?:\/|https?:)/.test(it ?? ''))
      expect([path, others]).toEqual([path, []])
    }
  })

  it('is the same when nothing is new, and untouched', async () => {
    const author = await authorOf(3)
    await author.write({ address: 'https://news.example/a/' })
    const before = await textsOf(author.folder)
    const { mtimeMs } = await stat(join(author.folder, 'issues/1/index.html'))
    expect(await author.write({ address: 'https://news.example/a/' })).toMatchObject({
      changed: 0,
      removed: 0,
    })
    expect(await textsOf(author.folder)).toEqual(before)
    expect((await stat(join(author.folder, 'issues/1/index.html'))).mtimeMs).toBe(mtimeMs)
  })

  it('changes in a few files with one more issue', async () => {
    const author = await authorOf(12)
    await author.write()
    const before = await textsOf(author.folder)
    await publishPicture(author, 'One more')
    const { changed } = await author.write()
    const paths = changedIn(before, await textsOf(author.folder))
    expect(paths).toEqual([
      'atom.xml',
      'feed.json',
      'index.html',
      'issues/12/index.html',
      'issues/13/files/1-tide.png',
      'issues/13/index.html',
    ])
    expect(changed).toBe(paths.length)
  })

  it('comes back where a file was altered or is gone, and loses what it no longer has', async () => {
    const author = await authorOf(2)
    const picture = await publishPicture(author, 'Withdrawn')
    await author.write({ completeFeed: true })
    const before = await textsOf(author.folder)
    const at = join(author.folder, 'issues/1/index.html')
    await writeFile(at, (await readFile(at, 'utf8')).replace('High water', 'Low water'))
    await writeFile(join(author.folder, 'issues/3/files/1-tide.png'), 'other')
    await writeFile(join(author.folder, 'feed.json'), '')
    expect(await author.write({ completeFeed: true })).toMatchObject({ changed: 3, removed: 0 })
    expect(await textsOf(author.folder)).toEqual(before)

    await author.operations.retractIssue({
      newsletter: author.feedKey,
      number: picture.number,
    })
    expect(await author.write()).toMatchObject({ removed: 2 })
    const after = await textsOf(author.folder)
    expect([...before.keys()].filter((it) => !after.has(it))).toEqual([
      'complete/atom.xml',
      'issues/3/files/1-tide.png',
    ])
    expect(after.get('issues/3/index.html')).toContain('Retracted')
    expect(after.get('index.html')).toContain('retracted')
  })

  it('has valid feeds with whole addresses, archives and a sitemap where its address is known', async () => {
    const address = 'https://news.example/tide/'
    const author = await authorOf(22)
    await publishPicture(author, 'With a picture')
    await author.write({ address })
    const texts = await textsOf(author.folder)
    const atom = await validAtom(texts.get('atom.xml') ?? '')
    expect(atom.ids).toHaveLength(10)
    expect(atom.links).toMatchObject({
      self: `${address}atom.xml`,
      alternate: address,
      'prev-archive': `${address}archive/2.xml`,
    })
    expect(atom.html[0]).toContain(`src="${address}issues/23/files/1-tide.png"`)
    const archive = await validAtom(texts.get('archive/1.xml') ?? '')
    expect(archive.ids).toHaveLength(10)
    expect(archive.links).toMatchObject({
      current: `${address}atom.xml`,
      'next-archive': `${address}archive/2.xml`,
    })
    const { _hyperletter: _, ...feed } = JSON.parse(texts.get('feed.json') ?? '') as object & {
      _hyperletter: unknown
    }
    expect(validJsonFeed(JSON.stringify(feed)).ids).toHaveLength(10)
    expect(texts.get('sitemap.xml')?.match(/<loc>/g)).toHaveLength(24)
    expect(texts.get('issues/23/index.html')).toContain(
      `<meta property="og:image" content="${address}issues/23/files/1-tide.png" />`,
    )
    expect(texts.get('issues/23/index.html')).toContain(
      `<link rel="canonical" href="${address}issues/23/" />`,
    )
  })

  it('has the look of a theme', async () => {
    const author = await authorOf(1)
    const theme = await temporaryDirectory()
    await writeFile(join(theme, 'theme.css'), ':root { --accent: red }')
    await writeFile(join(theme, 'footer.html'), '<footer>Imprint</footer>')
    await author.write({ theme })
    const page = (await textsOf(author.folder)).get('issues/1/index.html') ?? ''
    expect(page).toContain('href="../../theme.css"')
    expect(page).toContain('<footer>Imprint</footer>')
    await expect(author.write({ theme: author.folder })).resolves.toBeDefined()
    await expect(author.write({ theme: join(theme, 'none') })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('gives no server a file of an issue to run, or a browser a page to open', async () => {
    const author = await authorOf(0)
    const folder = await temporaryDirectory()
    const hostile = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for (const it of ['page.html', 'drawing.svg', 'shell.php.png', 'x.htaccess']) {
      await writeFile(join(folder, it), hostile)
    }
    const text = `# Hostile\n\n![d](drawing.svg)\n\n![s](shell.php.png)\n`
    await publish(author.operations, text, undefined, folder)
    await author.write()
    const texts = await textsOf(author.folder)
    const files = [...texts.keys()].filter((it) => it.includes('/files/'))
    expect(files.every((it) => /\/\d+-[^.]+\.(?:png|bin)$/.test(it))).toBe(true)
    expect(texts.get('issues/1/index.html')).toContain('src="data:image/svg+xml;base64,')
  })

  it('is not written over another one', async () => {
    const { operations, feedKey } = await authorOf(1)
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'index.html'), 'my own')
    await expectFailure('INVALID_INPUT', operations.exportSite({ newsletter: feedKey, folder }))
    expect(await textsOf(folder)).toEqual(new Map([['index.html', 'my own']]))
  })
})
