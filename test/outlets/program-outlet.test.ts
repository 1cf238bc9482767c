import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { OutletDispatcher } from '../../src/outlets/dispatcher.ts'
import { programOutlet } from '../../src/outlets/program.ts'
import { arrived, corrected, keptLog, outcome } from '../helpers/arrivals.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** Leaves a file for each issue, in the folder of its argument, while it runs and after it. */
const KEEP = `const { writeFileSync, renameSync, readFileSync } = require("node:fs");
  const at = process.argv[1] + "/" + process.env.HYPERLETTER_NUMBER;
  writeFileSync(at + ".running", "");
  setTimeout(() => {
    writeFileSync(at + ".running", JSON.stringify({ env: process.env, stdin: readFileSync(0, "utf8") }));
    renameSync(at + ".running", at) }, Number(process.argv[2]))`

async function open(options: { script?: string; runsMs?: number } = {}) {
  const folder = await temporaryDirectory()
  const { script = KEEP, runsMs = 0 } = options
  const { logger, lines } = keptLog()
  const command = `"${process.execPath}" --eval '${script}' -- "${folder}" ${runsMs}`
  const outlet = await OutletDispatcher.open(programOutlet({ command, dataDir: '/data' }), logger)
  onTestFinished(() => outlet.close())
  return { outlet, folder, lines }
}

test('a command is run for each issue, which is in its environment and on its input', async () => {
  const { outlet, folder, lines } = await open()
  const title = '$(reboot) \u001b[31m`x` "\'; ls'
  const issue = arrived({ title, summary: 'One.\nTwo.' })

  outlet.add(issue)

  const kept = await eventually(() => readFile(join(folder, '7'), 'utf8'))
  const { env, stdin } = JSON.parse(kept) as { env: Record<string, string>; stdin: string }
  expect(env).toMatchObject({
    HYPERLETTER_EVENT: 'issue',
    HYPERLETTER_FEED_KEY: issue.feedKey,
    HYPERLETTER_NEWSLETTER: 'Tide tables',
    HYPERLETTER_NUMBER: '7',
    HYPERLETTER_TITLE: '$(reboot) `x` "\'; ls',
    HYPERLETTER_SUMMARY: 'One. Two.',
    HYPERLETTER_HOME: '/data',
  })
  expect(JSON.parse(stdin)).toEqual(issue)
  expect(lines).toEqual([])
})

test('at most four commands run at a time, and all in the end', async () => {
  const { outlet, folder } = await open({ runsMs: 200 })
  for (let number = 1; number <= 9; number++) outlet.add(arrived({ number }))
  let most = 0
  await eventually(async () => {
    const files = await readdir(folder)
    most = Math.max(most, files.filter((it) => it.endsWith('.running')).length)
    expect(files.filter((it) => !it.endsWith('.running'))).toHaveLength(9)
  })
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})

test('a command that always fails alike is logged once', async () => {
  const { outlet, lines } = await open({ script: 'process.exit(3)' })
  const { outlet: good, folder } = await open()
  for (let number = 1; number <= 5; number++) outlet.add(arrived({ number }))
  await eventually(() => expect(lines).toHaveLength(1))
  good.add(arrived())
  await eventually(() => readFile(join(folder, '7')))
  await outlet.close()
  expect(lines).toHaveLength(1)
})

test('closing ends what runs', async () => {
  const { outlet, folder, lines } = await open({ runsMs: 100_000 })
  outlet.add(arrived())
  await eventually(() => readFile(join(folder, '7.running')))
  await outlet.close()
  expect(lines).toEqual([])
})

test('a correction says that it is one, with the note of the author', async () => {
  const { outlet, folder } = await open()
  outlet.add(corrected({ note: 'The\u001b[31m time.', retractedAt: '2026-03-02T00:00:00Z' }))
  const kept = await eventually(() => readFile(join(folder, '7'), 'utf8'))
  const { env, stdin } = JSON.parse(kept) as { env: Record<string, string>; stdin: string }
  expect(env).toMatchObject({
    HYPERLETTER_EVENT: 'corrected',
    HYPERLETTER_NOTE: 'The time.',
    HYPERLETTER_RETRACTED_AT: '2026-03-02T00:00:00Z',
  })
  expect(JSON.parse(stdin)).toMatchObject({ event: 'corrected', number: 7 })
})

test('a scheduled draft that was published says so', async () => {
  const { outlet, folder } = await open()
  outlet.add(outcome())
  const kept = await eventually(() => readFile(join(folder, '7'), 'utf8'))
  const { env, stdin } = JSON.parse(kept) as { env: object; stdin: string }
  expect(env).toMatchObject({ HYPERLETTER_EVENT: 'published', HYPERLETTER_TITLE: 'High water' })
  expect(JSON.parse(stdin)).toEqual(outcome())
})
