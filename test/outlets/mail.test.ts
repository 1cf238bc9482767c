import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { OutletDispatcher } from '../../src/outlets/dispatcher.ts'
import { digestAfter, mailOutlet, type MailOutletOptions } from '../../src/outlets/mail/mail.ts'
import { maildir, mailServer } from '../../src/outlets/mail/transports.ts'
import type { ArrivedIssue } from '../../src/outlets/outlet.ts'
import { keptLog } from '../helpers/arrivals.ts'
import { mailbox } from '../helpers/mailbox.ts'
import { openAuthor } from '../helpers/peers.ts'
import { all, single } from '../helpers/operations.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const run = promisify(execFile)
const PICTURES = new URL('../../fixtures/drafts/images', import.meta.url).pathname
const TEXT = `---
title: High water
authors: [Marit]
---
# High water

The sea comes over the **third step**. See [the harbour](https://harbour.example).

![Tide](tide.png "Spring tide")

| Day | Height |
| --- | -----: |
| Fri | 4.9 m |

<b onclick="x">bold</b> & "quoted" <script>alert(1)</script>
`

async function author(text = TEXT) {
  const found = await openAuthor([], { isOnline: false })
  const { operations, feedKey } = found
  const publish = async (markdown: string) => {
    await all(
      operations.publishIssue({ newsletter: feedKey, draft: { markdown, folder: PICTURES } }),
    )
    const [issue] = await operations.listIssues({ newsletter: feedKey })
    if (issue === undefined) throw new Error('Nothing was published.')
    return issue
  }
  return { ...found, publish, issue: await publish(text) }
}

async function outletOf(
  operations: Operations,
  options: Pick<MailOutletOptions, 'transport'> & Partial<MailOutletOptions>,
) {
  const folder = await temporaryDirectory()
  const { logger, lines } = keptLog()
  const outlet = mailOutlet({
    operations,
    to: 'me@example.org',
    origin: 'http://127.0.0.1:4937',
    digest: 'off',
    queueFile: join(folder, 'queue.json'),
    sentFile: join(folder, 'sent.json'),
    retryPausesMs: [10, 20],
    ...options,
  })
  const dispatcher = await OutletDispatcher.open(outlet, logger)
  onTestFinished(() => dispatcher.close())
  return { dispatcher, outlet, lines, folder }
}

function correctedOf(issue: ArrivedIssue, fields: Partial<ArrivedIssue>): ArrivedIssue {
  return { ...issue, ...fields, event: 'corrected' }
}

describe('a message', () => {
  it('is the issue with its pictures, from the newsletter to the reader', async () => {
    const { operations, issue, feedKey } = await author()
    const { received, mails, address } = await mailbox()
    const { dispatcher } = await outletOf(operations, {
      transport: mailServer(address, 'me@example.org'),
    })
    dispatcher.add(issue)
    const mail = single(await mails(1))
    const raw = single(received)
    expect(mail.from).toEqual({ name: 'Tide tables', address: 'me@example.org' })
    expect(mail.to).toEqual([{ name: '', address: 'me@example.org' }])
    expect(mail.subject).toBe('High water')
    expect(mail.messageId).toMatch(/^<[0-9a-f]{40}@hyperletter\.invalid>$/)
    expect(raw).toMatch(/^Content-Type: multipart\/alternative/m)
    expect(raw).toMatch(/^Content-Type: multipart\/related/m)
    const header = (key: string) => mail.headers.find((it) => it.key === key)?.value
    expect(header('list-id')).toBe(`<${feedKey}.hyperletter.invalid>`)
    expect(header('list-unsubscribe')).toBe(`<http://127.0.0.1:4937/n/${feedKey}>`)
    expect(header('auto-submitted')).toBe('auto-generated')
    expect(mail.text).toContain('The sea comes over the **third step**')
    expect(mail.text).toContain('High water\nTide tables · Marit · ')
    expect(mail.html).toMatch(
      /<p style="[^"]+">The sea comes over the <strong>third step<\/strong>/,
    )
    expect(mail.html).toMatch(/<td [^>]*style="/)
    expect(mail.html).not.toMatch(/<script|onclick|loading=/)
    const [picture] = mail.attachments
    expect(picture?.mimeType).toBe('image/png')
    expect(picture?.disposition).toBe('inline')
    const cid = picture?.contentId?.slice(1, -1)
    expect(mail.html).toContain(`src="cid:${cid}"`)
    const tide = await readFile(join(PICTURES, 'tide.png'))
    expect(Buffer.from(picture?.content as ArrayBuffer).equals(tide)).toBe(true)
    // What remains on the web stays there: no image of others is loaded.
    expect(mail.html).not.toMatch(/<img[^>]+src="(?!cid:)/)
  })

  it('of a correction answers that of the issue, and says what was corrected', async () => {
    const { operations, issue, feedKey } = await author()
    const { mails, address } = await mailbox()
    const { dispatcher } = await outletOf(operations, {
      transport: mailServer(address, 'me@example.org'),
    })
    dispatcher.add(issue)
    await mails(1)
    const amend = { markdown: '# High water\n\nAt noon.' }
    await operations.amendIssue({ newsletter: feedKey, number: 1, draft: amend, note: 'The time.' })
    const [amended] = await operations.listIssues({ newsletter: feedKey })
    dispatcher.add(correctedOf(amended as ArrivedIssue, { note: 'The time.' }))
    await mails(2)
    await operations.retractIssue({ newsletter: feedKey, number: 1, reason: 'Wrong harbour.' })
    const [retracted] = await operations.listIssues({ newsletter: feedKey })
    dispatcher.add(correctedOf(retracted as ArrivedIssue, { note: 'Wrong harbour.' }))
    const [first, second, third] = await mails(3)
    expect(new Set([first, second, third].map((it) => it?.messageId)).size).toBe(3)
    for (const it of [second, third]) {
      expect(it?.inReplyTo).toBe(first?.messageId)
      expect(it?.references).toBe(first?.messageId)
      expect(it?.subject).toBe('Re: High water')
    }
    expect(second?.text).toContain('Corrected: The time.')
    expect(second?.html).toContain('At noon.')
    expect(third?.text).toContain('Retracted by its author: Wrong harbour.')
    expect(third?.html).not.toContain('At noon.')
  })

  it.each([
    'Tide\r\nBcc: all@evil.example\r\n\r\nbody',
    'a\u2028Bcc: all@evil.example',
    '"><script>alert(1)</script>',
    '=?utf-8?Q?x=0D=0ABcc:_all@evil.example?=',
    'x" <evil@evil.example>, "y',
    'ü'.repeat(400),
  ])('has no header and no element that a hostile title makes: %j', async (title) => {
    const { operations, issue } = await author()
    const { received, mails, address } = await mailbox()
    const hostile: Operations = {
      ...operations,
      readIssue: async (...call) => ({
        ...(await operations.readIssue(...call)),
        title,
        newsletter: title,
        authors: [{ name: title }],
        language: 'en',
        note: title,
        amendedAt: '2026-01-01T00:00:00Z',
      }),
    }
    const { dispatcher } = await outletOf(hostile, {
      transport: mailServer(address, 'me@example.org'),
    })
    dispatcher.add({ ...issue, title, newsletter: title })
    const mail = single(await mails(1))
    const raw = single(received)
    const head = raw.slice(0, raw.indexOf('\r\n\r\n'))
    const names = head.split('\r\n').flatMap((it) => /^([\w-]+):/.exec(it)?.[1] ?? [])
    expect(names.map((it) => it.toLowerCase()).toSorted()).toEqual([
      'auto-submitted',
      'content-language',
      'content-type',
      'date',
      'from',
      'list-archive',
      'list-id',
      'list-unsubscribe',
      'message-id',
      'mime-version',
      'subject',
      'to',
    ])
    expect(head.split('\r\n').every((it) => /^(?:[\w-]+:|\s)/.test(it))).toBe(true)
    expect(mail.from?.address).toBe('me@example.org')
    expect(mail.to).toHaveLength(1)
    expect(mail.bcc ?? []).toEqual([])
    expect(mail.html).not.toContain('<script')
  })

  it('of what left the library is none', async () => {
    const { operations, issue, feedKey } = await author()
    const { mails, address } = await mailbox()
    const { dispatcher, lines } = await outletOf(operations, {
      transport: mailServer(address, 'me@example.org'),
    })
    dispatcher.add({ ...issue, feedKey: feedKey.replace(/^./, (it) => (it === 'y' ? 'n' : 'y')) })
    dispatcher.add(issue)
    await mails(1)
    expect(lines.filter((it) => it.level > 30)).toEqual([])
  })
})

describe('delivery by a mail server', () => {
  it('is tried again until the server takes it, and logged in when that is asked', async () => {
    const { operations, issue } = await author()
    const seen: string[] = []
    const { mails, verdicts, address } = await mailbox({
      onAuth: ({ username, password }, _session, done) => {
        seen.push(`${username}/${password}`)
        done(null, { user: username })
      },
      authOptional: false,
      allowInsecureAuth: true,
    })
    verdicts.push('refuse', 'refuse')
    const login = address.replace('//', '//me:p%40ss@')
    const { dispatcher, lines, folder } = await outletOf(operations, {
      transport: mailServer(login, 'me@example.org'),
    })
    dispatcher.add(issue)
    await mails(1)
    expect(seen).toEqual(Array(3).fill('me/p@ss'))
    await eventually(() => expect(lines.some((it) => it.msg.includes('works again'))).toBe(true))
    expect(JSON.stringify(lines)).not.toContain('p@ss')
    expect((await stat(join(folder, 'sent.json'))).mode & 0o777).toBe(0o600)
  })

  it('happens once, whatever is queued again after a crash', async () => {
    const { operations, issue, publish } = await author()
    const { mails, address } = await mailbox()
    const transport = mailServer(address, 'me@example.org')
    const { dispatcher, folder } = await outletOf(operations, { transport })
    dispatcher.add(issue)
    await mails(1)
    await dispatcher.close()
    // As a crash leaves it: sent, and still in the queue.
    const next = await publish('# Low water')
    const deliveries = [issue, next].map((it) => ({ issue: it, arrivedAt: Date.now() }))
    await writeFile(join(folder, 'queue.json'), JSON.stringify({ deliveries }))
    const again = { queueFile: join(folder, 'queue.json'), sentFile: join(folder, 'sent.json') }
    await outletOf(operations, { transport, ...again })
    expect((await mails(2)).map((it) => it.subject)).toEqual(['High water', 'Low water'])
  })

  it('that ends in the middle of the answer is not repeated by the next start', async () => {
    const { operations, issue, publish } = await author()
    const { mails, verdicts, address } = await mailbox()
    // The first is taken, and its answer never comes.
    verdicts.push('hang')
    const transport = mailServer(address, 'me@example.org')
    const { dispatcher, folder } = await outletOf(operations, { transport })
    dispatcher.add(issue)
    await mails(1)
    await dispatcher.close()
    const files = { queueFile: join(folder, 'queue.json'), sentFile: join(folder, 'sent.json') }
    expect(JSON.parse(await readFile(files.queueFile, 'utf8'))).toMatchObject({ deliveries: [{}] })
    const { dispatcher: second } = await outletOf(operations, { transport, ...files })
    second.add(await publish('# Low water'))
    expect((await mails(2)).map((it) => it.subject)).toEqual(['High water', 'Low water'])
  })

  it('sends no password to another machine that does not encrypt', async () => {
    const { operations, issue } = await author()
    const seen: string[] = []
    const { address } = await mailbox({
      allowInsecureAuth: true,
      onAuth: ({ username }, _session, done) => {
        seen.push(String(username))
        done(null, { user: username })
      },
    })
    // Another name of this machine, which is not known as one.
    const elsewhere = address.replace('127.0.0.1', 'me:secret@127.0.0.2')
    const { dispatcher, lines } = await outletOf(operations, {
      transport: mailServer(elsewhere, 'me@example.org'),
    })
    dispatcher.add(issue)
    await eventually(() => expect(lines.some((it) => it.level === 40)).toBe(true))
    expect(seen).toEqual([])
    expect(JSON.stringify(lines)).not.toContain('secret')
  })
})

describe('a digest', () => {
  it('is one message of all that came, when it is due', async () => {
    const { operations, issue, publish } = await author()
    const { mails, address } = await mailbox()
    const started = Date.now()
    const { dispatcher } = await outletOf(operations, {
      transport: mailServer(address, 'me@example.org'),
      digest: 'daily',
      dueAt: () => started + 1_500,
    })
    dispatcher.add(issue)
    dispatcher.add(await publish('# Low water\n\nAt six.'))
    // Watching and catching up may both come upon it.
    dispatcher.add(issue)
    await mails(1)
    expect(Date.now() - started).toBeGreaterThanOrEqual(1_490)
    const mail = single(await mails(1))
    expect(mail.subject).toBe('2 issues: Tide tables')
    expect(mail.html).toContain('third step')
    expect(mail.html).toContain('At six.')
    expect(mail.attachments).toHaveLength(1)
  })

  it('waits for its time after a restart, too', async () => {
    const { operations, issue } = await author()
    const { received, mails, address } = await mailbox()
    const transport = mailServer(address, 'me@example.org')
    const later = { digest: 'weekly' as const, dueAt: (at: number) => at + 60 * 60_000 }
    const { dispatcher, folder } = await outletOf(operations, { transport, ...later })
    dispatcher.add(issue)
    await dispatcher.close()
    const files = { queueFile: join(folder, 'queue.json'), sentFile: join(folder, 'sent.json') }
    const again = await outletOf(operations, { transport, ...later, ...files })
    await again.dispatcher.close()
    expect(received).toEqual([])
    const due = { ...later, dueAt: () => 0 }
    await outletOf(operations, { transport, ...due, ...files })
    await mails(1)
  })

  it.each([
    ['2026-11-29T06:59:00', 'daily', '2026-11-29T07:00:00'],
    ['2026-11-29T07:00:00', 'daily', '2026-11-30T07:00:00'],
    ['2026-11-29T12:00:00', 'weekly', '2026-11-30T07:00:00'],
    ['2026-11-30T07:00:00', 'weekly', '2026-12-07T07:00:00'],
    ['2026-12-31T12:00:00', 'daily', '2027-01-01T07:00:00'],
  ] as const)('of what came at %s is due %s at %s', (arrived, digest, due) => {
    expect(digestAfter(new Date(arrived).getTime(), digest)).toBe(new Date(due).getTime())
  })
})

describe('a Maildir', () => {
  it('gets each message once, whole and for this user alone', async () => {
    const { operations, issue, publish } = await author()
    const folder = join(await temporaryDirectory(), 'Mail')
    const { dispatcher, folder: data } = await outletOf(operations, { transport: maildir(folder) })
    dispatcher.add(issue)
    const names = await eventually(async () => {
      const found = await readdir(join(folder, 'new'))
      expect(found).toHaveLength(1)
      return found
    })
    const [name = ''] = names
    expect((await stat(join(folder, 'new', name))).mode & 0o777).toBe(0o600)
    expect(await readdir(join(folder, 'tmp'))).toEqual([])
    await dispatcher.close()
    // A crash between the message and its record: it was read meanwhile, and comes no second time.
    await rename(join(folder, 'new', name), join(folder, 'cur', `${name}:2,S`))
    const next = await publish('# Low water')
    const deliveries = [issue, next].map((it) => ({ issue: it, arrivedAt: Date.now() }))
    await writeFile(join(data, 'queue.json'), JSON.stringify({ deliveries }))
    await writeFile(join(data, 'sent.json'), '{"sent":[]}')
    const files = { queueFile: join(data, 'queue.json'), sentFile: join(data, 'sent.json') }
    await outletOf(operations, { transport: maildir(folder), ...files })
    const [fresh = ''] = await eventually(async () => {
      const found = await readdir(join(folder, 'new'))
      expect(found).toHaveLength(1)
      return found
    })
    expect(await readFile(join(folder, 'new', fresh), 'utf8')).toContain('Subject: Low water')
  })

  it('is read by neomutt and notmuch, with the correction below its issue', async ({ skip }) => {
    const has = async (program: string) =>
      (await run(program, ['--version']).catch(() => undefined)) !== undefined
    skip(!(await has('neomutt')) || !(await has('notmuch')), 'neomutt or notmuch is not installed.')
    const { operations, issue, feedKey } = await author(
      TEXT.replace('High water', 'Höchster Stand ☂'),
    )
    const home = await temporaryDirectory()
    const folder = join(home, 'Mail')
    const { dispatcher } = await outletOf(operations, { transport: maildir(folder) })
    dispatcher.add(issue)
    const amend = { markdown: '# Höchster Stand\n\nAt noon.' }
    await operations.amendIssue({ newsletter: feedKey, number: 1, draft: amend, note: 'The time.' })
    const [amended] = await operations.listIssues({ newsletter: feedKey })
    dispatcher.add(correctedOf(amended as ArrivedIssue, { note: 'The time.' }))
    await eventually(async () => expect(await readdir(join(folder, 'new'))).toHaveLength(2))

    const env = {
      ...process.env,
      HOME: home,
      NOTMUCH_CONFIG: join(home, 'notmuch'),
      LC_ALL: 'C.UTF-8',
    }
    await writeFile(
      env.NOTMUCH_CONFIG,
      `[database]\npath=${folder}\n[user]\nname=me\nprimary_email=me@example.org\n`,
    )
    await run('notmuch', ['new'], { env })
    const { stdout } = await run('notmuch', ['search', '--format=json', '*'], { env })
    const threads = JSON.parse(stdout) as { total: number; authors: string; subject: string }[]
    expect(threads).toMatchObject([{ total: 2, authors: 'Tide tables' }])
    const found = await run('notmuch', ['count', 'third step and mimetype:image/png'], { env })
    expect(found.stdout.trim()).toBe('1')

    await mkdir(join(home, 'cache'))
    const rc = join(home, 'rc')
    const commands = [
      `set folder="${folder}"`,
      `set spoolfile="${folder}"`,
      `set header_cache="${home}/cache"`,
      'set mbox_type=Maildir',
      'set sort=threads',
      'set index_format="%4C %-12.12F %s"',
      'set wait_key=no',
    ]
    await writeFile(rc, `${commands.join('\n')}\n`)
    const socket = `hyperletter-mail-${process.pid}`
    const tmux = (...args: readonly string[]) => run('tmux', ['-L', socket, ...args], { env })
    await tmux(
      '-f',
      '/dev/null',
      '-u',
      'new-session',
      '-d',
      '-x',
      '100',
      '-y',
      '30',
      `neomutt -n -F '${rc}'`,
    )
    onTestFinished(async () => void (await tmux('kill-server').catch(() => undefined)))
    const screen = async () => (await tmux('capture-pane', '-p')).stdout
    await expect.poll(screen, { timeout: 20_000 }).toMatch(/Tide tables +Höchster Stand ☂/)
    await tmux('send-keys', 'Enter')
    await expect.poll(screen, { timeout: 20_000 }).toMatch(/The sea comes over the \*\*third step/)
  })
})
