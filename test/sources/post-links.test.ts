import { describe, expect, it } from 'vitest'
import { draftFromMarkdown } from '../../src/sources/draft.ts'
import { linkAddresses, linkPosts } from '../../src/sources/post-links.ts'
import type { FoundDraft } from '../../src/sources/source.ts'

async function post(origin: string, text: string): Promise<FoundDraft> {
  const files = { find: () => Promise.resolve(undefined) }
  const origins = { name: origin, date: new Date(0), dateFrom: 'file' as const, files }
  return { origin, draft: await draftFromMarkdown(text, origins) }
}

const TARGETS = await Promise.all([
  post('_posts/2014-01-08-bowling.md', '# Bowling'),
  post('content/blog/low-water.md', '---\ntitle: Low\nslug: ebb\n---\na'),
  post(
    'notes/Spring Tide.md',
    '---\ntitle: T\npermalink: /2019/10/spring/\naliases: [/old/spring.html]\n---\na',
  ),
])

/** The text of a post with one link to each target, after all are linked. */
async function linkedText(origin: string, targets: readonly string[], siteUrl?: string) {
  const text = targets.map((it) => `[a](${it})`).join('\n\n')
  const found = await post(origin, `# Links\n\n${text}`)
  const draft = linkPosts([...TARGETS, found], siteUrl).at(-1)?.draft
  const links = (draft?.markdown ?? '').split('\n\n').slice(1)
  return { links, warnings: draft?.warnings ?? [] }
}

describe('linkPosts', () => {
  it.each([
    ['2014-01-08-bowling.md', '../_posts/2014-01-08-bowling.md'],
    ['/2014/01/08/bowling.html', '../_posts/2014-01-08-bowling.md'],
    ['/bowling/', '../_posts/2014-01-08-bowling.md'],
    ['../content/blog/low-water.md#noon', '../content/blog/low-water.md#noon'],
    ['/blog/low-water/?x=1#noon', '../content/blog/low-water.md#noon'],
    ['ebb', '../content/blog/low-water.md'],
    ['<Spring Tide.md>', '<Spring Tide.md>'],
    ['/2019/10/spring', 'Spring%20Tide.md'],
    ['/old/spring.html', 'Spring%20Tide.md'],
  ])('leads %s to a post', async (target, expected) => {
    const { links, warnings } = await linkedText('notes/x.md', [target])
    expect(links).toEqual([`[a](${expected})`])
    expect(warnings).toEqual([])
  })

  it.each(['magnet:?xt=urn:btih:a', 'xmpp:a@b.example', 'javascript:a'])(
    'says that nobody can open %s',
    async (target) => {
      const { links, warnings } = await linkedText('notes/x.md', [target], 'https://old.example/')
      expect(links).toEqual([`[a](${target})`])
      expect(warnings).toMatchObject([{ kind: 'dead-link', line: 3 }])
    },
  )

  it('says of the others where they led, once each', async () => {
    const { links, warnings } = await linkedText('notes/x.md', ['/about/', 'map.html#a', '/about/'])
    expect(links).toEqual(['[a](/about/)', '[a](map.html#a)', '[a](/about/)'])
    expect(
      warnings.map(({ line, message }) => `${line}: ${message.split(' leads', 1)[0]}`),
    ).toEqual(['3: The link to "/about/"', '5: The link to "map.html#a"'])
  })

  it('leads whole addresses of the site to its posts', async () => {
    const targets = ['https://old.example/bowling/', 'https://old.example/2019/10/spring/#noon']
    const others = ['https://old.example/', 'https://other.example/bowling/']
    const { links } = await linkedText('notes/x.md', [...targets, ...others], 'https://old.example')
    expect(links).toEqual(
      ['../_posts/2014-01-08-bowling.md', 'Spring%20Tide.md#noon', ...others].map(
        (it) => `[a](${it})`,
      ),
    )
  })

  it('leads the others to the site that there was', async () => {
    const targets = ['/about/', 'map.html#a', '../b/', '/bowling/']
    const { links, warnings } = await linkedText('notes/x.md', targets, 'https://old.example/site')
    expect(links).toEqual([
      '[a](https://old.example/site/about/)',
      '[a](https://old.example/site/notes/map.html#a)',
      '[a](https://old.example/site/b/)',
      '[a](../_posts/2014-01-08-bowling.md)',
    ])
    expect(warnings).toEqual([])
  })

  it('changes nothing but targets', async () => {
    const text =
      '# A\n\n<a class=b href="/bowling/">c</a> `[d](/bowling/)`\n\n[e]: </bowling/> "f"\n\n[e]'
    const found = await post('x.md', text)
    expect(linkPosts([...TARGETS, found]).at(-1)?.draft.markdown).toBe(
      '# A\n\n<a class=b href="_posts/2014-01-08-bowling.md">c</a> `[d](/bowling/)`\n\n[e]: _posts/2014-01-08-bowling.md "f"\n\n[e]',
    )
  })
})

describe('linkAddresses', () => {
  const draft = (origin: string, addresses: string[], targets: string[]) => ({
    origin,
    draft: {
      title: origin,
      publishedAt: '2026-01-01T00:00:00.000Z',
      markdown: targets.map((it) => `[a](${it})\n`).join(''),
      attachments: [],
      warnings: [],
      dateFrom: 'head' as const,
      addresses,
      links: targets.map((target) => ({ target, line: 1 })),
    },
  })
  const linked = (origin: string, addresses: string[], targets: string[]) => {
    const posts = [draft(origin, addresses, []), draft('https://x.example/from/', [], targets)]
    return linkAddresses(posts).at(-1)?.draft.markdown.trim().split('\n')
  }

  it.each([
    'http://www.x.example/spring',
    'https://X.example/Spring/index.html?utm_source=a',
    'https://x.example/?p=12',
    'https://x.example/?page_id=12&preview=true',
  ])('leads %s to the issue of the post', (target) => {
    const addresses = ['https://x.example/?p=12']
    const both = linked('https://x.example/spring/', addresses, [target, `${target}#part`])
    expect(both).toEqual(['[a](https://x.example/spring/)', '[a](https://x.example/spring/#part)'])
  })

  it('leads from any host to posts of a site that nobody named', () => {
    expect(linked('p/spring', [], ['https://tides.substack.com/p/spring'])).toEqual([
      '[a](/p/spring)',
    ])
  })

  it('leads to posts that are issues already, and of which nothing else is kept', async () => {
    const others = ['https://x.example/spring/']
    const from = draft('https://x.example/from/', [], ['http://x.example/spring'])
    const [linkedFrom] = linkAddresses([from], { others })
    expect(linkedFrom?.draft.markdown.trim()).toBe('[a](https://x.example/spring/)')
    const file = await post('a/b.md', '# B\n\n[low](../low-water/)')
    const [linkedFile] = linkPosts([file], undefined, { others: ['low-water.md'] })
    expect(linkedFile?.draft.markdown).toBe('# B\n\n[low](../low-water.md)')
  })

  it('names links that lead nowhere, for want of a site', () => {
    const posts = [draft('a', [], ['/about/', '/b', 'https://y.example/']), draft('b', [], [])]
    const [first] = linkAddresses(posts)
    expect(first?.draft.warnings.map((it) => it.message)).toEqual([
      expect.stringMatching('"/about/" leads to no post'),
    ])
  })

  it('leaves other links as they are', () => {
    const targets = ['https://y.example/spring/', 'https://x.example/other/', 'https://x.example/']
    expect(linked('https://x.example/spring/', [], targets)).toEqual(
      targets.map((it) => `[a](${it})`),
    )
  })

  it('changes links that stand for themselves, and nothing in code', () => {
    const target = 'https://x.example/spring'
    const from = draft('https://x.example/from/', [], [target])
    const markdown = `<${target}> \`](${target})\``
    const posts = [
      draft('https://x.example/spring/', [], []),
      { ...from, draft: { ...from.draft, markdown } },
    ]
    expect(linkAddresses(posts).at(-1)?.draft.markdown).toBe(
      `[${target}](${target}/) \`](${target})\``,
    )
  })
})
