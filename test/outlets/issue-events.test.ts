import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { IssueEvents } from '../../src/outlets/issue-events.ts'
import type { Config } from '../../src/config/config.ts'
import { HyperletterError } from '../../src/errors.ts'
import { arrived, Arrivals, corrected, keptLog } from '../helpers/arrivals.ts'
import { fakeOperations } from '../helpers/cli.ts'
import { configOf } from '../helpers/engines.ts'
import { expectFailure } from '../helpers/operations.ts'
import { openAuthor } from '../helpers/peers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

async function open() {
  const folder = await temporaryDirectory()
  const arrivals = new Arrivals()
  const { logger, lines } = keptLog()
  const events = new IssueEvents({
    operations: { ...fakeOperations(), watchIssues: arrivals.watchIssues },
    logger,
  })
  onTestFinished(() => events.close())
  const config: Config = configOf(folder)
  const write = (name: string) =>
    `"${process.execPath}" --eval 'require("fs").writeFileSync(process.argv[1] + process.env.HYPERLETTER_NUMBER, "")' -- "${join(folder, name)}"`
  const found = (name: string) => eventually(() => readFile(join(folder, name)))
  return { arrivals, events, lines, config, write, found }
}

test('without any of its settings nothing is watched', async () => {
  const { events, arrivals, config } = await open()
  await events.apply(config)
  expect(arrivals.watching).toBe(0)
})

test('issues are announced where a setting says, and elsewhere once it changed', async () => {
  const { events, arrivals, config, write, found } = await open()
  await events.apply({ ...config, onIssue: write('first') })
  arrivals.send(arrived({ number: 1 }))
  await found('first1')

  await events.apply({ ...config, onIssue: write('second') })
  expect(arrivals.watching).toBe(1)
  arrivals.send(arrived({ number: 2 }))
  await found('second2')

  await events.apply(config)
  expect(arrivals.watching).toBe(0)
})

test('a watch that fails is begun again, and logged once', async () => {
  const { events, arrivals, config, write, found, lines } = await open()
  await events.apply({ ...config, onIssue: write('it') })
  for (let i = 0; i < 2; i++) {
    arrivals.fail(new HyperletterError('NOT_AVAILABLE', 'Opened anew.'))
    await eventually(() => expect(arrivals.watching).toBe(0))
    await eventually(() => expect(arrivals.watching).toBe(1))
  }
  arrivals.send(arrived({ number: 3 }))
  await found('it3')
  expect(lines.filter((it) => it.level === 40)).toHaveLength(1)
})

test('corrections are announced, too', async () => {
  const { events, arrivals, config, write, found } = await open()
  await events.apply({ ...config, onIssue: write('it') })
  arrivals.send(corrected({ number: 4 }))
  expect((await found('it4')).toString()).toBe('')
})

test('issues are mailed where a setting says, and only to somebody', async () => {
  const { operations, feedKey } = await openAuthor([], { issues: 1, isOnline: false })
  const [issue] = await operations.listIssues({ newsletter: feedKey })
  const arrivals = new Arrivals()
  const watched = { ...operations, watchIssues: arrivals.watchIssues }
  const events = new IssueEvents({ operations: watched, logger: keptLog().logger })
  onTestFinished(() => events.close())
  const folder = await temporaryDirectory()
  const config = { ...configOf(folder), mailDir: join(folder, 'Mail'), mailTo: 'me@example.org' }
  await events.apply(config)
  arrivals.send(issue ?? arrived())
  const [name = ''] = await eventually(async () => {
    const found = await readdir(join(config.mailDir, 'new'))
    expect(found).toHaveLength(1)
    return found
  })
  const mail = await readFile(join(config.mailDir, 'new', name), 'utf8')
  expect(mail).toContain('To: me@example.org')
  expect(mail).toMatch(/^List-Unsubscribe:\s+<http:\/\/127\.0\.0\.1:4937\/n\//m)
  const server = { ...configOf(folder), mailServer: 'smtp://127.0.0.1' }
  await expectFailure('INVALID_INPUT', events.apply(server))
})
