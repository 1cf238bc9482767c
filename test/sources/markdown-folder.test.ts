import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { matchesGlob } from '../../src/sources/globs.ts'
import { markdownFolder, type MarkdownFolderOptions } from '../../src/sources/markdown-folder.ts'
import { attachmentName } from '../../src/render/links.ts'
import {
  compareNaturally,
  inPublishingOrder,
  type Draft,
  type SkippedDraft,
} from '../../src/sources/source.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drafts-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function fill(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), '# x')
  }
}

async function listed(options?: string | MarkdownFolderOptions, where = folder) {
  const given = typeof options === 'string' ? { match: options } : options
  const drafts: string[] = []
  const skipped: SkippedDraft[] = []
  for await (const it of markdownFolder(where, given).drafts({})) {
    if ('draft' in it) drafts.push(it.origin)
    else skipped.push(it)
  }
  return { drafts, skipped }
}

describe('markdownFolder', () => {
  it('lists Markdown files below the folder in natural order', async () => {
    await fill('issue-10.md', 'issue-9.MARKDOWN', '2019/a.mkd', '2020/b.mdown', 'sea.md')
    expect(await listed()).toEqual({
      drafts: ['2019/a.mkd', '2020/b.mdown', 'issue-9.MARKDOWN', 'issue-10.md', 'sea.md'],
      skipped: [],
    })
  })

  it('takes Markdown with components when asked to', async () => {
    await fill('a.mdx')
    expect((await listed()).skipped[0]?.message).toContain('--include extras publishes it')
    expect((await listed({ include: new Set(['extras']) })).drafts).toEqual(['a.mdx'])
  })

  it('orders names as a collator does', () => {
    const { compare } = new Intl.Collator('en', { numeric: true })
    const signs = ['a', 'b', 'z', '0', '1', '9', '10', '-', '.', '_', 'A', 'é']
    const names = fc.array(fc.constantFrom(...signs), { maxLength: 6 }).map((it) => it.join(''))
    fc.assert(
      fc.property(names, names, (a, b) => {
        const order = compare(a, b) || (a < b ? -1 : Number(a > b))
        expect(Math.sign(compareNaturally(a, b))).toBe(order)
      }),
      { numRuns: 1_000 },
    )
  })

  it('passes over hidden files and node_modules', async () => {
    await fill('.git/a.md', '.DS_Store', 'node_modules/b/README.md', 'c.md')
    expect(await listed()).toEqual({ drafts: ['c.md'], skipped: [] })
  })

  it('leaves out what its place or name marks as not for everybody, unless it is asked for', async () => {
    const drafts = ['_drafts/a.md', 'drafts/deep/b.md', 'site/Drafts/c.md']
    const templates = [
      'templates/daily.md',
      'archetypes/default.md',
      '_site/post.md',
      '_includes/x.md',
    ]
    const extras = [
      'README.md',
      'LICENSE.md',
      '_index.md',
      '404.md',
      '~$post.md',
      '_part.md',
      '#post.md',
    ]
    const copies = [
      "post (Ann's conflicted copy 2026-01-01).md",
      'p.sync-conflict-20260101.md',
      'p.bak.md',
    ]
    const more = [
      ['backups/p.md', 'not-for-publication/p.md', 'Entwürfe/p.md', 'p.wip.md'],
      ['1. Drafts/p.md', 'Posts - draft/p.md', 'draft posts/p.md', 'Drafts (old)/p.md'],
      ['Not published/p.md', '[DRAFT] p.md', 'p [WIP].md', 'draft - p.md'],
      ['private notes/p.md', 'for members/p.md'],
      ['scaffolds/p.md', 'build/p.md', 'template.md', 'Template - Daily.md'],
      ['SUMMARY.md', 'p~.md', 'p_backup.md', 'p.LOCAL.md'],
    ].flat()
    await fill('post.md', 'private/p.md', ...drafts, ...templates, ...extras, ...copies)
    await fill(...more)
    expect((await listed()).drafts).toEqual(['post.md'])
    expect((await listed()).skipped).toHaveLength(1 + 3 + 4 + 7 + 3 + more.length)
    expect((await listed()).skipped).toContainEqual({
      origin: '_drafts/a.md',
      code: 'INVALID_DRAFT',
      message: 'the folder "_drafts" holds drafts; --include drafts publishes it',
    })
    const some = await listed({ include: new Set(['drafts', 'private']) })
    const included = [...drafts, 'post.md', 'private/p.md', ...more.slice(0, 14)]
    expect(some.drafts.toSorted()).toEqual(included.toSorted())
  })

  const write = async (name: string, text: string) => {
    await fill(name)
    await writeFile(join(folder, name), text)
  }

  it('leaves out undated pages of a site, unless they are asked for', async () => {
    await write('a.md', '---\nlayout: page\n---\nPage.\n')
    await write('content/b.md', '+++\ntitle = "B"\ntype = "page"\n+++\nPage.\n')
    await fill('content/pages/c.md', 'about.md', 'content/contact/index.md', 'content/note.md')
    await write('content/pages/dated.md', 'Title: D\nDate: 2026-01-01\n\nPost.\n')
    const { drafts, skipped } = await listed()
    expect(drafts).toEqual(['content/note.md', 'content/pages/dated.md'])
    expect(skipped.map((it) => it.message)).toEqual(
      Array<string>(5).fill(
        'a page of the site, which has no date, not a post; --include extras publishes it',
      ),
    )
    expect((await listed({ include: new Set(['extras']) })).drafts).toHaveLength(7)
    // Where a site has a place for posts, nothing undated elsewhere is one.
    await fill('_posts/2019-01-02-last.md', '_letters/one.md')
    expect((await listed()).drafts).toEqual([
      '_letters/one.md',
      '_posts/2019-01-02-last.md',
      'content/pages/dated.md',
    ])
  })

  it('leaves out notes that say nothing of publishing where others do', async () => {
    await write('a.md', '---\ntags: [moon]\npublish: true\n---\nNote.\n')
    await write('b.md', '---\npublish: false\n---\nNote.\n')
    await write('deep/c.md', '---\ntags: [moon]\n---\nNote.\n\npublish: true\n')
    await fill('d.md')
    const { drafts, skipped } = await listed()
    expect(drafts).toEqual(['a.md'])
    expect(skipped.map((it) => [it.origin, it.message.slice(0, 40)])).toEqual(
      [
        ['b.md', 'Line 2: The head says that the text is n'],
        ['d.md', 'a note whose head says nothing of publis'],
        ['deep/c.md', 'a note whose head says nothing of publis'],
      ].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    )
    expect((await listed({ include: new Set(['drafts']) })).drafts).toHaveLength(4)
    await write('a.md', '---\npublished: true\n---\nNote.\n')
    expect((await listed()).drafts).toHaveLength(3)
  })

  it('leaves out what a file about its folder marks', async () => {
    const secret = ['hugo/x/a.md', 'zola/a.md', 'letters/deep/a.md']
    await fill(...secret, 'open/a.md', 'sections/a.md', 'also/a.md')
    await write('hugo/_index.md', '---\ncascade:\n  build:\n    render: never\n---\n')
    await write('zola/_index.md', '+++\nsort_by = "date"\ndraft = true\n+++\n')
    await write('letters/letters.json', '{"layout": "x", "draft": true}')
    await write('open/_index.md', '+++\ndraft = true\n+++\n')
    await write(
      'sections/_index.md',
      '---\ncascade:\n- target: {kind: section}\n  draft: true\n---\n',
    )
    await write('also/also.json', '{"draft": ')
    const { drafts, skipped } = await listed()
    expect(drafts).toEqual(['also/a.md', 'open/a.md', 'sections/a.md'])
    const why = new Map(skipped.map((it) => [it.origin, it.message]))
    expect(secret.map((it) => why.get(it))).toEqual([
      'its folder has a _index.md, which says that each is not for everybody (render: never); --include private publishes it',
      'its folder has a _index.md, which says that each is not finished (draft: true); --include drafts publishes it',
      'its folder has a letters.json, which says that each is not finished (draft: true); --include drafts publishes it',
    ])
    expect((await listed({ include: new Set(['drafts']) })).drafts).toContain('zola/a.md')
  })

  it('leaves out what its name dates in the future, unless it is asked for', async () => {
    await fill('_posts/2999-01-02-next.md', '_posts/2019-01-02-last.md')
    const { drafts, skipped } = await listed()
    expect(drafts).toEqual(['_posts/2019-01-02-last.md'])
    expect(skipped).toMatchObject([
      {
        origin: '_posts/2999-01-02-next.md',
        message: 'Its name dates it in the future: 2999-01-02; --include scheduled publishes it',
      },
    ])
    expect((await listed({ include: new Set(['scheduled']) })).drafts).toHaveLength(2)
  })

  it('finds pictures by paths from the root of the site and from folders above, in the folder alone', async () => {
    const text = (...paths: string[]) =>
      `# A\n\n${paths.map((path) => `![x](${path})`).join('\n')}\n`
    await fill(
      'images/up.png',
      'static/img/root.png',
      'posts/2020/beside.png',
      'posts/here/img/near.png',
    )
    const paths = ['beside.png', '../../images/up.png', '/img/root.png', '/here/img/near.png']
    await writeFile(join(folder, 'posts/2020/a.md'), text(...paths))
    await writeFile(join(folder, 'posts/2020/b.md'), text('../../../outside.png', '/none.png'))
    await writeFile(join(folder, '../outside.png'), 'secret')
    const drafts = new Map<string, Draft>()
    for await (const it of markdownFolder(folder).drafts({})) {
      if ('draft' in it) drafts.set(it.origin, it.draft)
    }
    await rm(join(folder, '../outside.png'))
    const found = drafts.get('posts/2020/a.md')?.attachments
    const names = ['beside.png', 'images/up.png', 'img/root.png', 'here/img/near.png']
    expect(found?.map((it) => it.name)).toEqual(names)
    expect(paths.map((path) => attachmentName(path))).toEqual(names)
    const missing = drafts.get('posts/2020/b.md')
    expect(missing?.attachments).toEqual([])
    expect(missing?.warnings.filter((it) => it.line !== undefined)).toHaveLength(2)
  })

  it('takes no other picture for one of the same name', async () => {
    await fill('a.png', 'posts/a.png')
    await writeFile(
      join(folder, 'posts/p.md'),
      '# A\n\n![x](a.png)\n![x](../a.png)\n![x](./a.png)\n',
    )
    const drafts: Draft[] = []
    for await (const it of markdownFolder(folder).drafts({}))
      if ('draft' in it) drafts.push(it.draft)
    expect(drafts[0]?.attachments.map((it) => it.name)).toEqual(['a.png'])
    const [, clash] = drafts[0]?.warnings ?? []
    expect(clash).toMatchObject({ line: 4 })
  })

  it('says why each other file is skipped', async () => {
    await fill('a.rst', 'images/b.PNG', 'c.txt', 'LICENSE', 'd.md')
    const { drafts, skipped } = await listed()
    expect(drafts).toEqual(['d.md'])
    expect(skipped.map((it) => it.origin)).toEqual(['a.rst', 'c.txt', 'images/b.PNG', 'LICENSE'])
    expect(skipped.every((it) => it.code === 'INVALID_DRAFT')).toBe(true)
    expect(skipped[0]?.message).toContain('reStructuredText')
    expect(skipped[2]?.message).toContain('a picture')
  })

  it('skips what does not match', async () => {
    await fill('2019/a.md', '2020/a.md', '2020/notes.md')
    const { drafts, skipped } = await listed('2020/a*')
    expect(drafts).toEqual(['2020/a.md'])
    expect(skipped.map((it) => it.origin)).toEqual(['2019/a.md', '2020/notes.md'])
  })

  it('skips what is excluded', async () => {
    await fill('2019/a.md', '2020/a.md', 'notes.md')
    const { drafts, skipped } = await listed({ exclude: ['notes.md', '2019/**'] })
    expect(drafts).toEqual(['2020/a.md'])
    expect(skipped.map((it) => it.origin)).toEqual(['2019/a.md', 'notes.md'])
  })

  it('follows no link to a folder, out of the folder or to nowhere', async () => {
    await fill('in/a.md', 'secret.md')
    const inside = join(folder, 'in')
    await symlink('.', join(inside, 'circle'))
    await symlink('../secret.md', join(inside, 'secret.md'))
    await symlink('nowhere', join(inside, 'lost.md'))
    await symlink('a.md', join(inside, 'b.md'))
    const { drafts, skipped } = await listed(undefined, inside)
    expect(drafts).toEqual(['a.md', 'b.md'])
    expect(skipped.map((it) => it.origin)).toEqual(['circle', 'lost.md', 'secret.md'])
  })

  it('skips a draft that cannot be published, and reads the others', async () => {
    await fill('a.md', 'b.md')
    await writeFile(join(folder, 'a.md'), '')
    const { drafts, skipped } = await listed()
    expect(drafts).toEqual(['b.md'])
    expect(skipped).toMatchObject([{ origin: 'a.md', code: 'INVALID_DRAFT' }])
  })

  it('refuses a folder that is missing or a file', async () => {
    await fill('a.md')
    for (const name of ['nowhere', 'a.md', 'a.md/b']) {
      await expect(listed(undefined, join(folder, name))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    }
  })
})

describe('inPublishingOrder', () => {
  const draft = (origin: string, day: number, dateFrom: 'head' | 'name' | 'file') => ({
    origin,
    draft: { publishedAt: new Date(Date.UTC(2026, 0, day)).toISOString(), dateFrom },
  })

  it('goes by date, and by origin on the same day', () => {
    const drafts = [
      draft('c', 3, 'head'),
      draft('b-10', 2, 'name'),
      draft('b-9', 2, 'head'),
      draft('z', 1, 'head'),
    ]
    expect(inPublishingOrder(drafts).map((it) => it.origin)).toEqual(['z', 'b-9', 'b-10', 'c'])
  })

  it('goes by number where each draft says one of its own', () => {
    const numbered = [3, 1, 2].map((declaredNumber, at) => ({
      origin: String(declaredNumber),
      draft: { ...draft('', at + 1, 'head').draft, declaredNumber },
    }))
    const order = (drafts: typeof numbered) => inPublishingOrder(drafts).map((it) => it.origin)
    expect(order(numbered)).toEqual(['1', '2', '3'])
    const [first] = numbered
    expect(order([...numbered, ...(first === undefined ? [] : [first])])[0]).toBe('3')
  })

  it('puts those without a date last, by origin', () => {
    const drafts = [
      draft('10/a', 1, 'head'),
      draft('10/b', 9, 'file'),
      draft('9/b', 2, 'file'),
      draft('9/a', 3, 'head'),
    ]
    expect(inPublishingOrder(drafts).map((it) => it.origin)).toEqual(['10/a', '9/a', '9/b', '10/b'])
  })
})

describe('matchesGlob', () => {
  it.each([
    ['a/b.md', '*.md'],
    ['a/b.md', '**'],
    ['a/b.md', '**/b.md'],
    ['b.md', '**/b.md'],
    ['a/x/y/b.md', 'a/**/b.md'],
    ['a/b.md', 'a/**/b.md'],
    ['a/b.md', './a/?.md'],
    ['a/😀.md', 'a/?.md'],
    ['20/issue-1.md', '2*/issue-*'],
    ['a/b.md', '{a,b}.md'],
    ['a/b.md', '{a,c}/{x,b}.{md,txt}'],
    ['a/b.md', '!README.md'],
    ['a/b.md', '!b/**'],
  ])('%s matches %s', (path, glob) => {
    expect(matchesGlob(path, glob)).toBe(true)
  })

  it.each([
    ['a/b.md', 'a/*.txt'],
    ['a/x/b.md', 'a/*.md'],
    ['a/b.md', 'b/**'],
    ['a/bxmd', '?.md'],
    ['a/b.md', '*.m'],
    ['a/c.md', '{a,b}.md'],
    ['a/README.md', '!README.md'],
    ['a/b.md', '!{a,b}/**'],
  ])('%s does not match %s', (path, glob) => {
    expect(matchesGlob(path, glob)).toBe(false)
  })

  it('takes no exponential time', () => {
    expect(matchesGlob('a'.repeat(4_000), `${'*a'.repeat(120)}b`)).toBe(false)
    expect(matchesGlob('a'.repeat(40), '{a,b}'.repeat(40))).toBe(false)
  })
})
