import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { loadConfig } from '../../src/config/config.ts'
import { connect, type Connection } from '../../src/connect.ts'
import type { Input, Output } from '../../src/api/contract/contract.ts'
import { renderHtml } from '../../src/render/html/html.ts'
import { renderTerminal } from '../../src/render/terminal/terminal.ts'
import { readerAddresses } from '../../src/web/state.ts'
import { formatTable } from '../../src/cli/terminal/table.ts'

// Imports every case of a folder of small inputs from bug reports, and shows what becomes of each:
//   npm run cases [-- <folder>]          default: ../shared/cases/author
// Ends with 0 if each gives its right result, 1 if not, and 3 where there is no such folder.

type Import = Input<'importFolder'>
type Issue = Output<'readIssue'> & { readonly html: string; readonly warnings: readonly string[] }
type Expected = string | RegExp

const run = promisify(execFile)
const root = resolve(process.argv[2] ?? '../shared/cases/author')
const work = await mkdtemp(join(tmpdir(), 'hyperletter-cases-'))
const rows: { case: string; what: string; expected: Expected; got: string; ok: boolean }[] = []
let current = ''
let homes = 0

function check(what: string, got: string | undefined, expected: Expected): void {
  const text = got ?? 'nothing'
  const ok = typeof expected === 'string' ? text === expected : expected.test(text)
  rows.push({ case: current, what, expected, got: text, ok })
}

/** A copy of a case that may be changed. */
async function input(...path: readonly string[]): Promise<string> {
  const folder = join(work, `in-${++homes}`)
  await cp(join(root, current, ...path), folder, { recursive: true })
  await run('chmod', ['-R', 'u+w', folder])
  return folder
}

/** A newsletter of its own, in a data folder of its own. */
class Newsletter {
  readonly issues: Issue[] = []
  readonly skipped: { file: string; message: string }[] = []
  readonly planned: string[] = []
  readonly dataDir: string
  readonly connection: Connection

  private constructor(dataDir: string, connection: Connection) {
    this.dataDir = dataDir
    this.connection = connection
  }

  static async create(): Promise<Newsletter> {
    const dataDir = join(work, `data-${++homes}`)
    const env = { HYPERLETTER_HOME: dataDir, HYPERLETTER_LOCAL_DISCOVERY: 'false' }
    const connection = await connect(await loadConfig({}, env))
    await connection.operations.createNewsletter({ title: 'E' })
    return new Newsletter(dataDir, connection)
  }

  async import(folder: string, options: Partial<Import> = {}): Promise<this> {
    const warnings = new Map<string, string[]>()
    const { operations } = this.connection
    this.skipped.length = this.planned.length = 0
    for await (const event of operations.importFolder({ folder, ...options })) {
      if (event.event === 'skipped') this.skipped.push(event)
      if (event.event === 'planned') this.planned.push(event.title)
      if (event.event !== 'warning') continue
      const { message, line } = event.warning
      const words = line === undefined ? message : `${line}: ${message}`
      warnings.set(event.file, [...(warnings.get(event.file) ?? []), words])
    }
    return this.#load([...warnings.values()].flat())
  }

  async publish(file: string): Promise<this> {
    for await (const _ of this.connection.operations.publishIssue({ draft: { file } }));
    return this.#load([])
  }

  async #load(warnings: readonly string[]): Promise<this> {
    const { operations } = this.connection
    this.issues.length = 0
    for (const { number } of (await operations.listIssues({ newsletter: 'E' })).toReversed()) {
      const issue = await operations.readIssue({ newsletter: 'E', number })
      const names = new Set(issue.attachments.map((it) => it.name))
      const attachmentUrl = (name: string) =>
        names.has(name) ? `/files/${encodeURI(name)}` : undefined
      this.issues.push({ ...issue, html: renderHtml(issue.markdown, { attachmentUrl }), warnings })
    }
    return this
  }

  /** The issue of a title; what an absent one is asked is `nothing`. */
  titled(title: string): Issue | undefined {
    return this.issues.find((it) => it.title === title)
  }

  get titles(): string {
    return this.issues.map((it) => it.title).join(', ')
  }

  get first(): Issue | undefined {
    return this.issues[0]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connection.close()
  }
}

function attached(issue: Issue | undefined): string | undefined {
  return issue?.attachments.map((it) => it.name).join(', ')
}

function told(issue: Issue | undefined): string | undefined {
  return issue?.warnings.join(' | ')
}

async function hyperletter(dataDir: string, args: readonly string[], env = {}): Promise<string> {
  const bin = resolve('bin/hyperletter.js')
  const settings = { HYPERLETTER_HOME: dataDir, HYPERLETTER_LOCAL_DISCOVERY: 'false' }
  const options = { env: { ...process.env, NO_COLOR: '1', ...settings, ...env } }
  try {
    const { stdout, stderr } = await run(process.execPath, [bin, ...args], options)
    return stdout + stderr
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    return stdout + stderr
  }
}

async function imported(...path: readonly string[]): Promise<Newsletter> {
  return (await Newsletter.create()).import(await input(...path))
}

const cases: Readonly<Record<string, () => Promise<void>>> = {
  '01-absolute-images': async () => {
    await using it = await imported('in')
    check('attached', attached(it.first), 'img/x.png')
    check('shown', it.first?.html, /<img [^>]*src="\/files\/img\/x\.png"/)
  },

  '02-parent-images': async () => {
    await using it = await imported('in')
    check('attached', attached(it.first), 'images/x.png')
    check('shown', it.first?.html, /<img [^>]*src="\/files\/images\/x\.png"/)
    const linked = await input('in2')
    await symlink('../shared', join(linked, 'posts/images'))
    await using other = await (await Newsletter.create()).import(linked)
    check('by a linked folder', attached(other.first), 'images/x.png')
  },

  '03-html-img': async () => {
    for (const name of ['a', 'b', 'c']) {
      await using it = await imported('in', name)
      check(`${name}: attached`, attached(it.first), /\bx\.png\b/)
      check(`${name}: shown`, it.first?.html, /<img [^>]*src="\/files\/x\.png"/)
    }
  },

  '04-images-in-other-syntax': async () => {
    const names = { baseurl: 'img/x.png', hugo: 'x.png', size: 'x.png', space: 'cool pic.png' }
    for (const [name, picture] of Object.entries({ ...names, obsidian: 'x.png' })) {
      const folder = await input('in', name)
      if (name === 'obsidian') await writeFile(join(folder, 'post.md'), '# Wiki\n\n![[x.png]]\n')
      await using it = await (await Newsletter.create()).import(folder)
      check(`${name}: attached`, attached(it.first), picture)
      const shown = new RegExp(`<img [^>]*src="/files/${encodeURI(picture)}"`)
      check(`${name}: shown`, it.first?.html, shown)
    }
  },

  '05-linked-files': async () => {
    await using it = await imported('in', 'a')
    for (const name of ['slides.pdf', 'talk.mp3', 'clip.mp4', 'talk.wav']) {
      check('attached', attached(it.first), new RegExp(name.replace('.', String.raw`\.`)))
    }
    check('linked', it.first?.html, /<a [^>]*href="\/files\/slides\.pdf"/)
    await using other = await imported('in', 'b')
    check('behind a thumbnail', attached(other.first), /full\.png/)
  },

  '06-links-dropped': async () => {
    await using it = await imported()
    const links = it.titled('c11-links')
    check('//host', links?.html, /href="https:\/\/example\.org\/x"/)
    check('tel:', links?.html, /href="tel:\+49123"/)
    check('hyperletter:', links?.html, /href="hyperletter:\/\/1q87b/)
    check('relative', told(links), /\.\.\/2019\/other\.md|relative|lead/)
    const html = it.titled('c16-html-inline-links')?.html
    check('<a href>', html, /<a [^>]*href="https:\/\/example\.org\/a"[^>]*>the page<\/a>/)
    check('<A HREF>', html, /<a [^>]*href="https:\/\/example\.org\/b"[^>]*>other<\/a>/)
    const anchors = it.titled('c05-anchors')?.html
    check('heading ids', anchors, /<h2 [^>]*id="[^"]*second-part"/)
    check('#anchor', anchors, /<a [^>]*href="#[^"]*second-part"/)
    const protocol = it.titled('c20-protorel')?.html
    check('//host in bold', protocol, /href="https:\/\/dist\.example\.org\/?"[^>]*><strong>dist/)
    check('//host of a reference', protocol, /href="https:\/\/example\.org\/r"/)
  },

  '07-html-flattened': async () => {
    await using it = await imported()
    const body = it.titled('c15-html-body')?.html
    check('list', body, /<li>\s*First\s*<\/li>\s*<li>\s*Second/)
    check('entities', body, /It’s “closed” — été &(?:amp;|#x26;) hiver © 2006/)
    check('link', body, /<a [^>]*href="https:\/\/harbour\.example\/"/)
    check('heading', body, /<h[2-6][^>]*>A heading/)
    const table = it.titled('c18-html-table')?.html
    check('table', table, /<td>High<\/td>\s*<td>12:10<\/td>/)
    const inline = it.titled('c04-html')?.html
    check('sub and sup', inline, /H<sub>2<\/sub>O, x<sup>2<\/sup>/)
    check('del and ins', inline, /<del>old<\/del> <ins>new<\/ins>/)
    check('comment', inline, /^(?!.*555-0100)/s)
    const embed = it.titled('c19-iframe')?.html
    check('iframe', embed, /<a [^>]*href="https:\/\/www\.youtube\.com\/embed\/abc123XYZ"/)
    check('audio', embed, /(?:href|src)="https:\/\/example\.org\/a\.mp3"/)
  },

  '08-html-attribute-gt': async () => {
    await using it = await imported()
    const html = it.first?.html
    check('> in an attribute', html, /^(?!.*b" src=)/s)
    for (const name of ['x', 'y', 's', 'm', 'real']) {
      check(`${name}.png`, html, new RegExp(`https://example\\.org/${name}\\.png`))
    }
  },

  '09-svg-never-shown': async () => {
    await using it = await imported('in')
    const { connection, dataDir } = it
    const { origin } = new URL(await connection.openReader({}))
    const newsletters = await connection.operations.listNewsletters({})
    const { newsletters: feeds } = await readerAddresses(dataDir, origin, newsletters)
    const feed = await (await fetch(feeds[0]?.json ?? '')).text()
    const address = /http[^"\\]*p\.svg/.exec(feed)?.[0]
    const answer = address === undefined ? undefined : await fetch(address)
    check('type', answer?.headers.get('content-type') ?? undefined, /^image\/svg\+xml/)
    check('policy', answer?.headers.get('content-security-policy') ?? undefined, /sandbox/)
  },

  '10-date-silently-from-file': async () => {
    await using it = await imported('in')
    const dates = it.issues.map(({ title, publishedAt }) => `${title} ${publishedAt.slice(0, 10)}`)
    check(
      'dates',
      dates.join(', '),
      'Neap 2017-01-01, Flood 2019-03-04, Hugo publishDate only 2019-03-04',
    )
  },

  '11-one-undated-file-breaks-order': async () => {
    await using it = await imported('in')
    check('order', it.titles, 'Oldest, Middle, Newest')
    const folder = await input('in')
    await writeFile(join(folder, 'b-note.md'), '# Undated\n\nText.\n')
    await using other = await (await Newsletter.create()).import(folder)
    check('undated apart', other.titles, 'Oldest, Middle, Newest, Undated')
    check('told', told(other.first), /No date/)
  },

  '12-date-formats-refused': async () => {
    await using it = await imported('in')
    const right = {
      french: '2020-03-03T00:00',
      cet: '2020-01-09T11:00',
      us: '2020-02-13T00:00',
      week: '2020-01-27T00:00',
      spaceTz: '2020-01-02T08:00',
      slashes: '2020-01-02T03:04',
      bst: '2020-07-01T09:00',
      aedt: '2020-01-01T23:00',
      gmtoff: '2020-01-02T08:00',
      cjk: '2020-01-02T00:00',
      offset1: '2020-01-02T09:00',
      msk: '2020-07-01T07:00',
      dashTime: '2013-12-24T17:49',
      pm: '2020-02-09T20:56',
      pm2: '2020-02-09T20:56',
      noSec: '2020-01-02T03:04',
      eu: '2020-02-13T00:00',
      h24: '2020-01-03T00:00',
      ordinal: '2020-02-03T00:00',
      emptyQuoted: new Date().toISOString().slice(0, 4),
    }
    for (const [name, date] of Object.entries(right)) {
      const { publishedAt } = it.titled(`Date ${name}`) ?? {}
      check(name, publishedAt?.slice(0, date.length), date)
    }
  },

  '13-private-drafts-published': async () => {
    await using it = await imported('in')
    const right = 'A post, File UPPER.MD, File note.markdown, File note.mkdn, Hugo publishDate only'
    const titles = it.issues.map(({ title }) => title)
    check('published', titles.toSorted().join(', '), right)
    await it.import(await input('in'), { include: ['drafts'] })
    check('included', it.titles, /File _drafts\/secret\.md/)
  },

  '14-head-not-recognised': async () => {
    await using it = await imported('in')
    const titles = it.issues.map(({ title }) => title)
    // A head that nothing closes may be refused.
    const right = /^CRLF and BOM, NBSP after colon(?:, No newline after close)?$/
    check('published', titles.toSorted().join(', '), right)
    check('tags', it.titled('CRLF and BOM')?.tags?.join(), 'a,b')
  },

  '15-one-field-refuses-the-post': async () => {
    await using it = await imported('in')
    const posts = it.skipped.filter(({ file }) => file.endsWith('.md'))
    check('refused', posts.map(({ file, message }) => `${file}: ${message}`).join(), '')
    check('published', String(it.issues.length), '20')
    check('author', it.titled('Author map without name')?.authors?.[0]?.name, 'Mara Quay')
    check('lang', it.titled('Lang')?.language, 'en-US')
    check('tags', it.titled('Tag map')?.tags?.join(), 'a,b')
    check('many tags', String(it.titled('Many tags')?.tags?.length), '64')
    check('colon', told(it.titled('b21-colon')), /10:30/)
    check('folded', it.titled('A folded title')?.title, 'A folded title')
    check('two lines', it.titled('Two lines')?.title, 'Two lines')
  },

  '16-import-identity': async () => {
    const folder = await input('in')
    await using site = await Newsletter.create()
    await site.import(join(folder, 'site1'))
    await site.import(join(folder, 'site1/posts'))
    check('a folder below', site.titles, 'Site one first, Site one second')
    await site.import(folder)
    check(
      'a folder above',
      site.titles,
      'Site one first, Site one second, January 2020, January 2021',
    )

    await using years = await Newsletter.create()
    await years.import(join(folder, '2020'))
    await years.import(join(folder, '2021'))
    check('two 01.md', years.titles, 'January 2020, January 2021')

    await using mixed = await Newsletter.create()
    const file = join(folder, '2020/01.md')
    await mixed.publish(file)
    await mixed.import(join(folder, '2020'))
    check('published before', mixed.titles, 'January 2020')

    await cp(file, join(folder, '2020/renamed.md'))
    await rm(file)
    await mixed.import(join(folder, '2020'))
    check('renamed', mixed.titles, 'January 2020')

    const text = await readFile(join(folder, '2020/renamed.md'), 'utf8')
    await writeFile(join(folder, '2020/renamed.md'), text.replace('Text.', 'Test.'))
    await mixed.import(join(folder, '2020'))
    const changed = mixed.skipped.map(({ message }) => message).join()
    check('changed', changed, /changed since.*amend/)
    await mixed.import(join(folder, '2020'), { amend: true })
    check('amended', mixed.first?.markdown.trim(), 'Test.')
  },

  '17-skips-hidden': async () => {
    const folder = join(work, 'site')
    await mkdir(folder)
    for (let at = 0; at < 150; at++) await writeFile(join(folder, `p${at}.png`), 'x')
    for (let at = 0; at < 38; at++) {
      await writeFile(join(folder, `post${at}.md`), `---\ntitle: P${at}\ndate: never\n---\nText.\n`)
    }
    await using it = await Newsletter.create()
    await it.connection.close()
    const shown = await hyperletter(it.dataDir, ['import', folder])
    check('refused first', shown, /38 posts refused:[^]*date is not valid[^]*150 other files/)
    check('order', shown, /38 .*date is not valid[\s\S]*150 .*a picture/)
  },

  '18-day-before': async () => {
    await using it = await imported()
    await it.connection.close()
    for (const TZ of ['America/Los_Angeles', 'Pacific/Auckland']) {
      const shown = await hyperletter(it.dataDir, ['issues', 'E'], { TZ })
      check(TZ, shown, /(?:May 5, 2020|2020-05-05|5 May 2020)/)
    }
  },

  '19-cjk-emphasis': async () => {
    await using it = await imported()
    const html = it.first?.html
    check('Japanese', html, /これは<strong>「重要なこと」<\/strong>です/)
    check('Chinese', html, /这是<strong>我想做的事。<\/strong>所以继续/)
    check('Korean', html, /<strong>마크다운\(Markdown\)<\/strong>을/)
    check('struck', html, /<del>取消。<\/del>新しい/)
  },

  '20-dialects-as-text': async () => {
    await using it = await imported()
    const notes = it.titled('c08-obsidian')
    check('comment', `${notes?.html} ${notes?.title}`, /^(?!.*private inline)(?!.*private block)/s)
    const alerts = it.titled('c02-alerts')?.html
    check('alert', alerts, /^(?!.*\[!NOTE\]).*Note.*Useful information/s)
    const math = it.titled('c06-math')?.html
    check('math', math, /a_1 &(?:amp;|#x26;)= b_\{2\} \\\\\s+c \*d\* /)
    check('template code', told(it.titled('c09-templates')), /template/i)
    const terminal = renderTerminal(notes?.markdown ?? '', { width: 80, color: false })
    check('comment in the terminal', terminal, /^(?!.*private inline)(?!.*private block)/s)
  },

  '21-tags': async () => {
    await using it = await imported()
    check('categories', it.titled('Categories list')?.tags?.join(), 'boats,tides')
    check('by spaces', it.titled('Tags by space')?.tags?.join(), 'boats,tides,moon')
    check('taxonomies', it.titled('true')?.tags?.join(), 'zola,release')
  },

  '22-media': async () => {
    await using types = await imported('in', 'types')
    check('HEIC', told(types.first), /p\.heic/)
    check('JXL', told(types.first), /p\.jxl/)
    await using links = await imported('in', 'links')
    const media = links.first?.attachments.find(({ name }) => name === 'talk.wav')?.mediaType
    check('WAV', media, /^audio\/(?:x-)?wav$/)
    check('video', links.first?.html, /^(?!.*<img[^>]*clip\.mp4).*clip\.mp4/s)
    await using photos = await imported('in', 'gps')
    const { operations } = photos.connection
    const parts: Uint8Array[] = []
    const photo = { newsletter: 'E', number: 1, name: 'photo.jpg' }
    for await (const part of operations.readAttachment(photo)) parts.push(part)
    const bytes = Buffer.concat(parts)
    const before = await readFile(join(root, current, 'in/gps/photo.jpg'))
    check('place removed', `${bytes.length} bytes, as before: ${bytes.equals(before)}`, /false$/)
  },

  '23-no-rehearsal': async () => {
    const folder = join(work, 'rehearsed')
    await mkdir(folder)
    for (const name of ['a', 'b', 'README'])
      await writeFile(join(folder, `${name}.md`), `# ${name}\n\nT.\n`)
    await using it = await Newsletter.create()
    await it.import(folder, { dryRun: true })
    check('planned', it.planned.join(), 'a,b')
    check('nothing published', it.titles, '')
    await it.import(folder, { dryRun: true, match: '!b.md' })
    check('!b.md', it.planned.join(), 'a')
    await it.import(folder, { dryRun: true, match: '{b,c}.md' })
    check('{b,c}.md', it.planned.join(), 'b')
    await it.connection.close()
    const shown = await hyperletter(it.dataDir, [
      'import',
      folder,
      '--dry-run',
      '--exclude',
      'a.md',
    ])
    check('--exclude', shown, /Would publish 1 issue/)
    const single = await hyperletter(it.dataDir, ['publish', join(folder, 'a.md'), '--dry-run'])
    check('publish --dry-run', single, /Would publish/)
  },
}

async function main(): Promise<number> {
  if (!existsSync(root)) {
    console.error(`There is no folder ${root}.`)
    return 3
  }
  for (const [name, examine] of Object.entries(cases)) {
    current = name
    await examine().catch((error: unknown) => check('runs', String(error), 'no error'))
  }
  const line = (text: Expected) => String(text).replaceAll(/\s+/g, ' ').slice(0, 60)
  const columns = ['case', 'what', 'expected', 'got', 'ok'].map((header) => ({ header }))
  const cells = rows.map((it) => {
    const got = it.ok && it.expected instanceof RegExp ? 'matches' : line(it.got)
    return [it.case, it.what, line(it.expected), got, it.ok ? 'ok' : 'FAILS']
  })
  console.log(await formatTable(columns, cells, { width: 1_000 }))
  const failed = rows.filter(({ ok }) => !ok)
  const failing = [...new Set(failed.map((it) => it.case))]
  console.log(`${Object.keys(cases).length - failing.length} of ${Object.keys(cases).length} cases`)
  if (failing.length > 0) console.log(`These fail: ${failing.join(', ')}.`)
  return failing.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} finally {
  await rm(work, { recursive: true, force: true })
}
