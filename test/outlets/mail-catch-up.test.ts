import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { IssueEvents } from '../../src/outlets/issue-events.ts'
import { Arrivals, keptLog } from '../helpers/arrivals.ts'
import { LAUNCHER } from '../helpers/bin.ts'
import { configOf } from '../helpers/engines.ts'
import { openAuthor, publish } from '../helpers/peers.ts'
import { firstLine, kill, startNode } from '../helpers/processes.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

/** Subjects of all messages in a Maildir, in order. */
async function subjects(mailDir: string): Promise<string[]> {
  const names = await readdir(join(mailDir, 'new')).catch(() => [])
  const mails = await Promise.all(names.map((it) => readFile(join(mailDir, 'new', it), 'utf8')))
  return mails.map((it) => /^Subject: (.*)$/m.exec(it)?.[1] ?? it).toSorted()
}

async function newestQueued(dataDir: string, feedKey: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'maildir-queue.json'), 'utf8').catch(() => '{}')
  return (JSON.parse(text) as { newest?: Record<string, number> }).newest?.[feedKey]
}

/** A reader of a newsletter with two issues, whose watch gives nothing but what a test sends. */
async function open() {
  const { operations, feedKey } = await openAuthor([], { issues: 2, isOnline: false })
  const arrivals = new Arrivals()
  let isFollowed = true
  const read = {
    ...operations,
    watchIssues: arrivals.watchIssues,
    listNewsletters: async () => {
      const all = await operations.listNewsletters({})
      return isFollowed ? all.map((it) => ({ ...it, roles: ['subscriber' as const] })) : []
    },
    unsubscribe: () => {
      isFollowed = false
      return Promise.resolve({ feedKey, issues: 0 })
    },
    async *subscribe() {
      isFollowed = await Promise.resolve(true)
      yield* []
    },
  }
  const folder = await temporaryDirectory()
  const config = { ...configOf(folder), mailDir: join(folder, 'Mail') }
  const start = async (it = config) => {
    const events = new IssueEvents({ operations: read, logger: keptLog().logger })
    onTestFinished(() => events.close())
    await events.apply(it)
    return events
  }
  const queued = (number: number | undefined) =>
    eventually(async () => expect(await newestQueued(config.dataDir, feedKey)).toBe(number))
  const mailed = (count: number) =>
    eventually(async () => {
      const found = await subjects(config.mailDir)
      expect(found.length).toBeGreaterThanOrEqual(count)
      return found
    })
  return { operations, feedKey, arrivals, read, config, start, queued, mailed }
}

describe('mail', () => {
  it('of what arrived unwatched is sent once, after the next start', async () => {
    const { operations, feedKey, arrivals, start, queued, mailed } = await open()
    const first = await start()
    await queued(2)
    await publish(operations, '# Third')
    // It ends before the watch gives what arrived.
    await first.close()
    await publish(operations, '# Fourth')
    await operations.amendIssue({ number: 1, draft: { markdown: '# First, mended' } })
    await operations.retractIssue({ number: 2, reason: 'Wrong harbour.' })
    const [fourth] = await operations.listIssues({ newsletter: feedKey })
    if (fourth === undefined) throw new Error('Nothing was published.')
    // The watch of the next one gives it at once, before what was missed is known.
    arrivals.send(fourth)
    const second = await start()
    const corrections = ['Re: First, mended', 'Re: Issue 2']
    expect(await mailed(4)).toEqual(['Fourth', ...corrections, 'Third'])
    await second.close()
    const last = await start()
    await queued(4)
    await publish(operations, '# Fifth')
    await last.close()
    await start()
    expect(await mailed(5)).toEqual(['Fifth', 'Fourth', ...corrections, 'Third'])
  })

  it('of the archive is not sent when a newsletter is followed, again or for the first time', async () => {
    const { operations, read, start, queued, mailed } = await open()
    const first = await start()
    await queued(2)
    const watched = first.watched(read)
    await watched.unsubscribe({ newsletter: 'Tide tables' })
    await queued(undefined)
    await publish(operations, '# Third')
    for await (const _ of watched.subscribe({ link: '' })) break
    await queued(3)
    await publish(operations, '# Fourth')
    await first.close()
    await start()
    expect(await mailed(1)).toEqual(['Fourth'])
  })

  it('of what arrived while it was switched off is not sent', async () => {
    const { operations, config, start, queued, mailed } = await open()
    const { mailDir: _, ...off } = config
    const events = await start()
    await queued(2)
    await events.apply(off as typeof config)
    await queued(undefined)
    await publish(operations, '# Third')
    await events.apply(config)
    await queued(3)
    await publish(operations, '# Fourth')
    await events.close()
    await start()
    expect(await mailed(1)).toEqual(['Fourth'])
  })
})

/** When the daemon is killed after an issue was published, in milliseconds. */
const MOMENTS = [0, 80, 250, 600]

it(
  'a daemon that is killed again and again mails what came, also by fetch, and nothing twice',
  { timeout: 180_000 },
  async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    const dataDir = await temporaryDirectory()
    const mailDir = join(dataDir, 'Mail')
    const nodes = bootstrap.map((it) => `${it.host}:${it.port}`).join(',')
    const options = [LAUNCHER, '--data-dir', dataDir, '--bootstrap', nodes, '--json']
    const start = async () => {
      const daemon = startNode([...options, 'daemon', 'run', '--mail-dir', mailDir])
      await firstLine(daemon)
      return daemon
    }
    let daemon = await start()
    await firstLine(startNode([...options, 'subscribe', author.link]))
    const queued = async (number: number) => {
      const newest = () => newestQueued(dataDir, author.feedKey)
      await expect.poll(newest, { timeout: 30_000 }).toBe(number)
    }
    await queued(2)
    await kill(daemon, 'SIGKILL')

    const expected = ['While away']
    const mailed = async () => {
      await expect.poll(() => subjects(mailDir), { timeout: 60_000 }).toEqual(expected.toSorted())
    }
    await publish(author.operations, '# While away')
    await firstLine(startNode([...options, 'fetch']))
    daemon = await start()
    await mailed()
    for (const [i, moment] of MOMENTS.entries()) {
      expected.push(`Number ${i}`)
      await publish(author.operations, `# Number ${i}`)
      await new Promise((resolve) => {
        setTimeout(resolve, moment)
      })
      await kill(daemon, 'SIGKILL')
      daemon = await start()
    }
    await mailed()
    await queued(3 + MOMENTS.length)
    await kill(daemon, 'SIGTERM')
    expect(await subjects(mailDir)).toEqual(expected.toSorted())
  },
)
