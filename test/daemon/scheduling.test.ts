import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { Scheduling } from '../../src/daemon/scheduling.ts'
import type { Logger } from '../../src/logger.ts'
import { LAUNCHER } from '../helpers/bin.ts'
import { runCommand } from '../helpers/child.ts'
import { openEngine } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { fakeOperations, jsonOf } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

type Scheduled = Output<'listScheduled'>[number]

const feedKey = 'y'.repeat(52)
const entry = (more: Partial<Scheduled>): Scheduled => ({
  id: 'a1',
  feedKey,
  title: 'Tide',
  at: '2026-01-01T00:00:00.000Z',
  publishedAt: '2026-01-01T00:00:00.000Z',
  attachments: 0,
  sizeBytes: 1,
  ...more,
})

function loopOver(publishScheduled: () => Output<'publishScheduled'>) {
  const announced: string[] = []
  const logged: string[] = []
  const log = (level: string) => (_facts: unknown, text: string) =>
    void logged.push(`${level} ${text}`)
  const logger = { info: log('info'), warn: log('warn') } as unknown as Logger
  const operations = fakeOperations({
    publishScheduled: () => Promise.resolve(publishScheduled()),
    async *publishIssue() {
      yield await Promise.resolve({ event: 'scheduled', ...entry({}) })
    },
  })
  const scheduling = new Scheduling({
    operations,
    logger,
    hasQueue: () => true,
    announce: ({ event, problem }) => void announced.push(`${event} ${problem?.code ?? ''}`),
  })
  onTestFinished(() => scheduling.close())
  scheduling.start()
  return { logged, announced, operations: scheduling.woken(operations) }
}

describe('the schedule of a daemon', () => {
  it('says what it published, and that it was late where nothing ran at its time', async () => {
    const at = '2026-01-01T00:00:00.000Z'
    const { logged } = loopOver(() => ({
      waiting: 0,
      done: [
        entry({ at, published: { number: 1, at: '2026-01-01T00:00:01.000Z' } }),
        entry({ at, published: { number: 2, at: '2026-01-01T01:00:00.000Z' } }),
      ],
    }))
    await expect
      .poll(() => logged)
      .toEqual([
        'info published a scheduled draft',
        'warn published a scheduled draft late: nothing ran at its time',
      ])
  })

  it('announces what it published, and once why it could not', async () => {
    const problem = { code: 'DISK_FULL', message: 'The disk is full.' }
    const rounds = [{ problem }, { problem }, { published: { number: 1, at: '2026-01-01' } }]
    const { announced } = loopOver(() => {
      const done = rounds.splice(0, 1).map(entry)
      return { done, waiting: 0, ...(rounds.length > 0 && { next: new Date().toISOString() }) }
    })
    await expect.poll(() => announced).toEqual(['not-published DISK_FULL', 'published '])
  })

  it('looks again when the next draft is due, and when one is scheduled', async () => {
    let looks = 0
    const soon = () => new Date(Date.now() + 50).toISOString()
    const { operations } = loopOver(() => ({
      done: [],
      waiting: 1,
      ...(looks++ < 2 && { next: soon() }),
    }))
    await expect.poll(() => looks).toBe(3)
    for await (const it of operations.publishIssue({ draft: { markdown: '# A' } })) void it
    await expect.poll(() => looks).toBe(4)
  })
})

/** Runs the real command. */
async function run(dataDir: string, ...args: string[]): Promise<unknown> {
  const child = start(dataDir, ...args)
  const code = await child.ended()
  if (code !== 0) throw new Error(child.stderr())
  return jsonOf(child.stdout().trim().split('\n').at(-1) ?? '')
}

function start(dataDir: string, ...args: string[]) {
  const env = { XDG_CONFIG_HOME: dataDir, HYPERLETTER_BOOTSTRAP: '127.0.0.1:9' }
  return runCommand(process.execPath, [LAUNCHER, '--data-dir', dataDir, '--json', ...args], env)
}

describe('a daemon that is killed again and again', () => {
  it('loses no scheduled draft and publishes none twice', async () => {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir })
    const operations = bindOperations(engine, 'engine')
    await operations.createNewsletter({ title: 'Tides' })
    const drafts = 40
    const at = new Date(Date.now() + 10_000).toISOString()
    for (let number = 1; number <= drafts; number++) {
      const markdown = `# Issue ${number}\n\nThe sea ${number}.\n`
      await all(operations.publishIssue({ draft: { markdown }, at }))
    }
    await engine.close()
    const folder = join(dataDir, 'scheduled')
    for (const name of await readdir(folder)) {
      const { mode } = await stat(join(folder, name))
      expect(process.platform === 'win32' ? 0o600 : mode & 0o777).toBe(0o600)
    }
    await wait(Math.max(0, Date.parse(at) - Date.now()))
    // Each one dies at another moment of publishing what is due.
    for (let round = 0; round < 10; round++) {
      const next = start(dataDir, 'daemon', 'run')
      await next.line(/"ready":true/)
      await wait(Math.random() * 150)
      next.process.kill('SIGKILL')
      await next.ended()
    }
    const last = start(dataDir, 'daemon', 'run')
    await last.line(/"ready":true/)
    await expect
      .poll(
        async () => {
          const listed = (await run(dataDir, 'scheduled')) as Scheduled[]
          return listed.filter((it) => it.published === undefined).length
        },
        { timeout: 20_000 },
      )
      .toBe(0)
    const issues = (await run(dataDir, 'issues', 'Tides')) as { title: string }[]
    const titles = Array.from({ length: drafts }, (_, index) => `Issue ${index + 1}`)
    expect(issues.map((it) => it.title).toSorted()).toEqual(titles.toSorted())
    last.process.kill('SIGTERM')
    await last.ended()
  }, 120_000)
})
