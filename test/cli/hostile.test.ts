import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { HyperletterError } from '../../src/errors.ts'
import { answer, Capture, jsonOf, runCli, streamOf } from '../helpers/cli.ts'

// Retitles the terminal, clears it, moves the cursor up, breaks the line, turns the direction of
// writing, and does the same with the one-byte forms of C1.
const evil =
  'Tide\u001b]0;pwned\u0007\u001b[2J\u001b[1A\r\nerror: fake\u202etxt\u009b31m\u0090q\u009c\u0085\u2028end'

const feedKey = 'y'.repeat(52)
const problem = { code: 'FEED_CONFLICT', message: evil }
const newsletter = {
  feedKey,
  link: `hyperletter://${feedKey}`,
  title: evil,
  description: evil,
  roles: ['author' as const],
  issues: 3,
  unread: 1,
  private: false,
  problem,
}
const summary = {
  feedKey,
  newsletter: evil,
  number: 1,
  title: evil,
  publishedAt: evil,
  summary: evil,
  read: false,
  starred: true,
  held: false,
}
const published = {
  event: 'published' as const,
  feedKey,
  number: 1,
  title: evil,
  publishedAt: evil,
  attachments: 1,
  copies: 1,
}
const warning = { message: evil, line: 1 }

const operations: Partial<Operations> = {
  createNewsletter: answer({
    feedKey,
    link: newsletter.link,
    title: evil,
    recoveryPhrase: 'a b c',
  }),
  publishIssue: streamOf([{ event: 'warning' as const, warning }, published]),
  amendIssue: answer({
    feedKey,
    number: 1,
    title: evil,
    amendedAt: evil,
    editions: 2,
    warnings: [warning],
  }),
  retractIssue: answer({ feedKey, number: 1, title: evil, retractedAt: evil }),
  importFolder: streamOf([
    { event: 'progress' as const, done: 1, total: 1, file: evil },
    { event: 'warning' as const, file: evil, warning },
    { event: 'skipped' as const, file: evil, code: 'INVALID_DRAFT', message: evil },
    { event: 'finished' as const, feedKey, title: evil, published: 1 },
  ]),
  subscribe: streamOf([{ event: 'subscribed' as const, feedKey, title: evil, issues: 1 }]),
  unsubscribe: answer({ feedKey, title: evil, issues: 1 }),
  listNewsletters: answer([newsletter]),
  listIssues: answer([summary]),
  listInbox: answer([summary]),
  search: answer([
    {
      feedKey,
      newsletter: evil,
      number: 1,
      title: evil,
      publishedAt: evil,
      read: false,
      starred: true,
      // One of the marks begins inside of an escape sequence.
      excerpt: {
        text: evil,
        highlights: [
          [0, 4],
          [5, 12],
        ] satisfies [number, number][],
      },
    },
  ]),
  markIssue: answer(summary),
  markIssues: answer({ feedKey, newsletter: evil, changed: 2 }),
  takeNotices: answer([
    { feedKey, title: evil, successor: { feedKey, link: evil, issuedAt: evil } },
  ]),
  readIssue: answer({
    feedKey,
    newsletter: evil,
    number: 1,
    title: evil,
    publishedAt: evil,
    authors: [{ name: evil }],
    tags: [evil],
    markdown: `# ${evil}\n\n${evil}\n\n![${evil}](x.png)\n`,
    attachments: [{ name: evil, mediaType: 'image/png', bytes: 4, alt: evil, held: true }],
    editions: 2,
    amendedAt: evil,
    note: evil,
    verified: false,
  }),
  readAttachment: streamOf([Buffer.from('tide')]),
  watchIssues: streamOf([
    summary,
    {
      event: 'continues' as const,
      feedKey,
      title: evil,
      successor: { feedKey, link: evil, issuedAt: evil },
    },
  ]),
  status: answer({
    via: 'daemon',
    online: true,
    peers: 1,
    localPeers: 0,
    dataDir: '/data',
    bytesOnDisk: 1,
    disk: { usedBytes: 12_000_000, capBytes: 10_000_000_000 },
    newsletters: [
      {
        feedKey,
        title: evil,
        roles: ['author'],
        issues: 1,
        heldBlocks: 1,
        length: 2,
        peers: 0,
        fullCopies: 0,
        newestCopies: 0,
        olderCopies: 0,
        uploadedBytes: 1,
        downloadedBytes: 1,
        keep: {},
        leftOut: 0,
        tooLarge: [],
        problem,
      },
    ],
  }),
  seed: () => Promise.reject(new HyperletterError('NOT_AVAILABLE', evil, { hint: evil })),
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperletter-hostile-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const COMMANDS = [
  ['create', 'T', '--no-confirm'],
  ['publish', 'a.md'],
  ['import', 'folder', '--verbose'],
  ['subscribe', feedKey],
  ['unsubscribe', feedKey],
  ['list'],
  ['issues', feedKey],
  ['inbox'],
  ['inbox', '--all'],
  ['search', 'tide'],
  ['star', feedKey, '1'],
  ['mark', feedKey, '--read', '--all'],
  ['read', feedKey, '1'],
  ['read', feedKey, '1', '--markdown'],
  ['read', feedKey, '1', '--html'],
  ['read', feedKey, '1', '--diff'],
  ['amend', feedKey, '1', 'a.md', '--note', evil],
  ['retract', feedKey, '1', '--yes'],
  ['watch'],
  ['status'],
  ['seed', feedKey],
  ['save', feedKey, '1', '--force'],
  ['save', feedKey, '1', evil, '--to', 'box', '--force'],
]

const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/

it.each(COMMANDS)(
  '`%s %s %s` keeps control characters of a feed from the terminal',
  async (...argv) => {
    const terminal = { isTTY: true, columns: 60 }
    const { stdout, stderr } = await runCli(
      [...argv.filter((it) => it !== undefined), '--no-color'],
      { cwd: folder, stdout: new Capture(terminal), stderr: new Capture(terminal), operations },
    )
    expect(stdout + stderr).toMatch(/tide/i)
    expect(stdout).not.toMatch(CONTROLS)
    expect(stderr).not.toMatch(CONTROLS)
  },
)

it.each(COMMANDS)('`%s %s %s` keeps them out of JSON, where they are escaped', async (...argv) => {
  const { stdout, stderr } = await runCli([...argv.filter((it) => it !== undefined), '--json'], {
    cwd: folder,
    operations,
  })
  expect(stdout + stderr).not.toMatch(CONTROLS)
  const documents = (stdout + stderr).trim().split('\n').map(jsonOf)
  // A watch prints one for each arrival.
  expect(documents).toHaveLength(argv[0] === 'watch' ? 2 : 1)
})
