import { inspect } from 'node:util'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contract, type OperationName, type Operations } from '../../src/api/contract/contract.ts'
import { all, expectFailure, failureOf } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

const KEY = 'y'.repeat(52)
const newsletter = KEY

/** An input of each operation with every field it has. */
const COMPLETE: Readonly<Record<OperationName, Readonly<Record<string, unknown>>>> = {
  createNewsletter: {
    title: 'Tide tables',
    description: 'When the quay is wet.',
    language: 'en',
    authors: [{ name: 'Marit' }],
    website: 'https://example.org',
    license: 'CC0-1.0',
    support: [{ uri: 'https://example.org/', label: 'Tea' }],
    names: ['example.org'],
    private: true,
  },
  editNewsletter: { newsletter, title: 'Tides', remove: ['license'], force: true },
  publishIssue: {
    newsletter,
    draft: { markdown: '# One' },
    waitCopies: 1,
    timeoutSeconds: 1,
    force: true,
  },
  listScheduled: {},
  cancelScheduled: { draft: 'a' },
  publishScheduled: { retry: true },
  previewDraft: { newsletter, draft: { markdown: '# One' }, follow: false },
  readDraftFile: { draft: { markdown: '# One' }, name: 'a.png' },
  amendIssue: { newsletter, number: 1, draft: { markdown: '# One' }, note: 'A date.', force: true },
  retractIssue: { newsletter, number: 1, reason: 'Wrong.', force: true },
  importFolder: { newsletter, folder: '/drafts', match: '*.md', force: true },
  republishFeed: {
    newsletter,
    address: 'http://127.0.0.1:9/feed.xml',
    everySeconds: 60,
    newOnly: true,
    allowPrivateAddresses: true,
    dryRun: true,
  },
  listRepublished: {},
  stopRepublishing: { address: 'https://example.org/feed.xml' },
  restoreNewsletter: {
    recoveryPhrase: 'abandon',
    private: true,
    bundle: '/a.bundle',
    timeoutSeconds: 1,
    force: true,
  },
  repairNewsletter: { newsletter, timeoutSeconds: 1 },
  exportBundle: { newsletter, since: 1 },
  exportSite: { newsletter, folder: '/a', logOnly: true },
  importBundle: { file: '/a.bundle', link: KEY, encryptionKey: KEY, subscribe: true },
  previewNewsletter: { link: KEY, timeoutSeconds: 1 },
  subscribe: { link: KEY, wait: false, unread: 3, timeoutSeconds: 1 },
  importOpml: { opml: '<opml/>' },
  writeLetter: {
    newsletter,
    issue: 1,
    letter: 1,
    withdraw: 1,
    text: 'Hello.',
    as: 'Ada',
    private: true,
    code: KEY,
    waitSeconds: 0,
  },
  listLetters: { newsletter },
  decideLetters: {
    newsletter,
    accept: [{ number: 1, answer: 'Yes.' }],
    decline: [2],
    block: [3],
    unblock: [KEY],
    answers: [{ number: 1, answer: 'Yes.' }],
    withdraw: [{ number: 1, reason: 'Ada asked for it.' }],
  },
  admitSenders: { newsletter, revoke: true },
  followTalk: { newsletter },
  sayLine: { newsletter, text: 'Hello.', as: 'Ada' },
  hideSpeaker: { newsletter, from: KEY },
  nameNewsletter: { newsletter, name: 'Mara' },
  verifyNames: { newsletter },
  unsubscribe: { newsletter },
  seed: { link: KEY },
  unseed: { newsletter },
  keepNewsletter: {
    newsletter,
    keep: { newest: 5, newerThan: '90d', atMostBytes: 1, textOnly: true },
  },
  setMirrors: { newsletter, add: 'https://a.example/', remove: 'https://b.example/' },
  followSync: { newsletter, timeoutSeconds: 1 },
  listNewsletters: {},
  listIssues: { newsletter },
  listInbox: { show: 'all', newsletter, skip: 1, limit: 5, excerpts: true },
  search: { query: 'tide', newsletter, since: '2026-01-01', limit: 5 },
  readIssue: { newsletter, number: 1, edition: 1, markRead: true, timeoutSeconds: 1 },
  readAttachment: { newsletter, number: 1, name: 'a.png', edition: 1, timeoutSeconds: 1 },
  markIssue: { newsletter, number: 1, read: true, starred: true },
  markIssues: { newsletter, numbers: [1], read: true },
  markAllRead: { newsletter },
  succeedNewsletter: { newsletter, to: KEY, recoveryPhrase: 'abandon', timeoutSeconds: 1 },
  acceptSuccession: { statement: KEY, timeoutSeconds: 1 },
  takeNotices: {},
  diagnose: {},
  measure: {},
  changeSettings: { settings: {} },
  copyHistory: { newsletter },
  explainNewsletter: { newsletter },
  watchIssues: { newsletter },
  addDevice: { name: 'phone' },
  listDevices: {},
  removeDevice: { device: 'phone' },
  admitDevice: { token: 'x' },
  status: {},
}

/** Values that the fields of these names never have. */
const NEVER: Readonly<Record<string, readonly unknown[]>> = {
  address: ['', 1, 'x'.repeat(2_049)],
  everySeconds: [0, -1, 0.5, '60'],
  number: [0, -1, 1.5, '1', 2 ** 53],
  edition: [0, -1, 1.5, '1'],
  numbers: [[], [0], ['1'], 1, Array.from({ length: 10_001 }, (_, i) => i + 1)],
  show: ['', 'read', 1],
  query: ['', 'x'.repeat(513), 1],
  limit: [0, -1, 1.5, 201, '1'],
  note: ['', 'a\u0000b', 'x'.repeat(4_097)],
  reason: ['', 'a\u001b[31mb', 'x'.repeat(4_097)],
  timeoutSeconds: [0, -1, 86_401, '1'],
  waitCopies: [-1, 0.5, 1_001],
  title: ['', ' ', 'a\nb', '\u001b[31mred', '\ud800', 'x'.repeat(10_000)],
  name: ['', 'a\u0000b', 'x'.repeat(256)],
  newsletter: ['', 'x'.repeat(513)],
  device: ['', 1, 'x'.repeat(65)],
  token: ['', 1, 'x'.repeat(129)],
  link: ['', 'x'.repeat(513)],
  add: ['', 'x'.repeat(513)],
  remove: ['', 'x'.repeat(513)],
  to: ['', 'x'.repeat(513)],
  recoveryPhrase: ['', 'x'.repeat(4_097)],
  statement: ['', 'x'.repeat(1_025)],
  since: [0, -1, 1.5, '1'],
  file: ['', 'x'.repeat(4_097)],
  bundle: ['', 'x'.repeat(4_097)],
  force: ['true', 1],
  opml: ['', 1, 'x'.repeat(1_024 * 1_024 + 1)],
  encryptionKey: ['', 'x'.repeat(65)],
  folder: ['', 'x'.repeat(4_097)],
  match: ['', 'x'.repeat(257)],
  names: [
    'a.example',
    [''],
    ['a'],
    ['10.0.0.1'],
    ['a.onion'],
    ['A.example'],
    Array(5).fill('a.example'),
  ],
  support: [
    'a:b',
    [{}],
    [{ uri: 'x' }],
    [{ uri: 'a:\u001b' }],
    Array.from({ length: 17 }, () => ({ uri: 'a:b' })),
  ],
  website: ['javascript:alert(1)', 'file:///etc/passwd', 'x'],
  draft: [{}, { file: '' }, { file: '/a.md', markdown: 'b' }, { markdown: 1 }, { path: '/a.md' }],
  authors: ['Marit', [{}], [{ name: '' }], [{ name: 'M', url: 'javascript:alert(1)' }]],
}

const BAD_LINKS = [
  ['short', 'ybndrfg8'],
  ['one character short', 'y'.repeat(51)],
  ['one character long', 'y'.repeat(53)],
  ['with a letter that no key has', `${'y'.repeat(51)}l`],
  ['with a second spelling of the same bytes', `${'y'.repeat(51)}b`],
  ['of another scheme', `https://${KEY}`],
  ['of a scheme that runs', `javascript:${KEY}`],
  ['of a related scheme', `hyper://${KEY}`],
  ['without a key', 'hyperletter://'],
  ['with a path', `hyperletter://${KEY}/x`],
  ['with an encryption key that is short', `${KEY}#abc`],
  ['with an empty encryption key', `${KEY}#`],
  ['with control characters', `\u001b[31m${KEY}`],
  ['in hex with a letter too many', `${'0'.repeat(63)}g`],
] as const

/** Whatever is refused is refused with its code, and changes nothing. */
export function boundsTests(subject: Subject): void {
  const names = Object.keys(contract) as OperationName[]

  it.each(names)('refuses input that %s does not have', async (name) => {
    const operations = await open(subject)
    const complete = COMPLETE[name]
    const wrong: unknown[] = [
      undefined,
      null,
      true,
      7,
      'text',
      [],
      [complete],
      { ...complete, colour: 'red' },
      { ...complete, constructor: 'x' },
      ...Object.keys(complete).flatMap((key) =>
        [null, ...(NEVER[key] ?? [[[]]])].map((value) => ({ ...complete, [key]: value })),
      ),
    ]
    for (const input of wrong) {
      const error = await failureOf(call(operations, name, input))
      expect(error.code, `${name} ${inspect(input).slice(0, 120)}`).toBe('INVALID_INPUT')
    }
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })

  it.each(names)('ends %s at once when it is aborted before it begins', async (name) => {
    const operations = await open(subject)
    const signal = AbortSignal.abort()
    const error = await failureOf(call(operations, name, COMPLETE[name], { signal }))
    expect(error.code).toBe('ABORTED')
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })

  it.each(BAD_LINKS)('refuses a link %s', async (_, link) => {
    const operations = await open(subject)
    await expectFailure('INVALID_LINK', operations.subscribe({ link }))
    await expectFailure('INVALID_LINK', operations.seed({ link }))
    await expectFailure('NEWSLETTER_NOT_FOUND', operations.listIssues({ newsletter: link }))
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })

  it('fails with NEWSLETTER_NOT_FOUND for what is not in the library', async () => {
    const operations = await open(subject)
    const draft = { markdown: '# One\n' }
    const calls = [
      () => operations.listIssues({ newsletter }),
      () => operations.readIssue({ newsletter: 'Nowhere' }),
      () => operations.readAttachment({ newsletter, number: 1, name: 'a.png' }),
      () => operations.markIssue({ newsletter, number: 1, read: true }),
      () => operations.markIssues({ newsletter, read: true }),
      () => operations.search({ query: 'tide', newsletter }),
      () => operations.unsubscribe({ newsletter }),
      () => operations.unseed({ newsletter }),
      () => operations.followSync({ newsletter }),
      () => operations.watchIssues({ newsletter }),
      () => operations.publishIssue({ newsletter, draft }),
      () => operations.publishIssue({ draft }),
      () => operations.amendIssue({ newsletter, number: 1, draft }),
      () => operations.retractIssue({ newsletter, number: 1 }),
      () => operations.importFolder({ folder: '/' }),
    ]
    for (const run of calls) await expectFailure('NEWSLETTER_NOT_FOUND', run())
  })

  it('fails with INVALID_INPUT where a name may mean several newsletters', async () => {
    const operations = await open(subject)
    await operations.createNewsletter({ title: 'Tide tables' })
    await operations.createNewsletter({ title: 'Tide tables' })
    const listing = operations.listIssues({ newsletter: 'Tide tables' })
    const error = await expectFailure('INVALID_INPUT', listing)
    expect(error.hint).toEqual(expect.any(String))
    const draft = { markdown: '# One\n' }
    await expectFailure('INVALID_INPUT', operations.publishIssue({ draft }))
  })

  describe('in a draft', () => {
    const drafts = [
      ['nothing', ''],
      ['no title', 'text without a heading'],
      ['broken YAML', '---\ntitle: [\n---\ntext'],
      ['a NUL', '# One\n\u0000\n'],
    ] as const

    it.each(drafts)('refuses %s', async (_, markdown) => {
      const { operations, feedKey } = await openWithNewsletter(subject)
      await expectFailure('INVALID_DRAFT', operations.publishIssue({ draft: { markdown } }))
      expect(await operations.listIssues({ newsletter: feedKey })).toStrictEqual([])
    })

    it('refuses a file that does not exist, a folder and bytes that are no text', async () => {
      const { operations } = await openWithNewsletter(subject)
      const folder = await temporaryDirectory()
      await writeFile(join(folder, 'binary.md'), Buffer.from([0x23, 0x20, 0xff, 0xfe, 0x00]))
      for (const file of [join(folder, 'gone.md'), folder, join(folder, 'binary.md')]) {
        await expectFailure('INVALID_DRAFT', operations.publishIssue({ draft: { file } }))
      }
    })

    it('leaves a picture outside of its folder behind, and control characters of a title', async () => {
      const { operations } = await openWithNewsletter(subject)
      const folder = await temporaryDirectory()
      const text = '---\ntitle: "\\e[31mred"\n---\n![](../../etc/passwd.png)\n'
      const events = await all(operations.publishIssue({ draft: { markdown: text, folder } }))
      expect(events).toMatchObject([
        { event: 'warning', warning: { line: 2 } },
        { event: 'warning', warning: { line: 4 } },
        { event: 'published', title: '[31mred', attachments: 0 },
      ])
    })

    it('refuses more text than an issue may have', async () => {
      const { operations, feedKey } = await openWithNewsletter(subject)
      for (const sizeBytes of [3, 20]) {
        const markdown = `# Long\n\n${'wave '.repeat((sizeBytes * 1_024 * 1_024) / 5)}\n`
        await expectFailure('TOO_LARGE', operations.publishIssue({ draft: { markdown } }))
      }
      await publish(operations, '# Short\n')
      expect(await operations.listIssues({ newsletter: feedKey })).toHaveLength(1)
    })
  })
}

function call(
  operations: Operations,
  name: OperationName,
  input: unknown,
  options: { signal?: AbortSignal } = {},
): Promise<unknown> {
  const operation = operations[name] as (
    input: unknown,
    options: { signal?: AbortSignal },
  ) => Promise<unknown> & AsyncIterable<unknown>
  const result = operation(input, options)
  return contract[name].kind === 'value' ? result : all(result)
}
