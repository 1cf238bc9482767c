import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchBrowser } from '../../test/helpers/browser.ts'
import { LAUNCHER } from '../children.ts'
import type { Context } from '../context.ts'
import { interleave, type Result } from '../measure.ts'

/** The last words of the first screen. */
const DRAWN = 'q quit'

/** As long as many issues are. */
const LONG = 'High water at noon, low water at **six**.\n\n'.repeat(200)

/** From a link to the first paint of the newest issue, and from a command to the first screen of a reader in the terminal, and from a saved draft to its preview. */
export async function measureDaily(context: Context): Promise<Result[]> {
  const { link, issues } = await context.archive()
  const bootstrap = await context.bootstrap()
  const runs = context.runs(9)
  return context.withDaemon(async () => {
    const opened: number[] = []
    for (let round = 1; round <= runs; round++) {
      context.say(`open: round ${round} of ${runs}`)
      opened.push(await openLink(context, link, bootstrap))
    }
    const [screens, slowest] = await context.withTemporary(
      'daily',
      async (dataDir): Promise<[number[][], number[]]> => {
        const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap]
        const subscribe = ['subscribe', link, '--unread', 'all', '--quiet']
        await context.children.time([LAUNCHER, ...flags, ...subscribe])
        const daemon = await context.children.startDaemon(flags)
        const node = [process.execPath, '-e', `process.stdout.write('${DRAWN}')`]
        const reader = [process.execPath, LAUNCHER, ...flags]
        try {
          context.say(`reader in the terminal: ${runs} rounds`)
          return [
            await interleave(runs, [() => firstScreen(reader), () => firstScreen(node)]),
            (await interleave(runs, [() => slowestStep(reader, issues)]))[0] ?? [],
          ]
        } finally {
          await daemon.stop()
        }
      },
    )
    context.say(`preview: ${runs} changes`)
    const refreshed = await context.withTemporary('preview', (it) => refresh(context, it, runs))
    return [
      {
        what: 'preview: a change on the page in the browser, after it was saved',
        unit: 'ms',
        samples: { ours: refreshed, baseline: [] },
        goal: { value: 100 },
      },
      {
        what: `open <link>: newest of ${issues} issues painted, from nothing`,
        unit: 'ms',
        samples: { ours: opened, baseline: [] },
        goal: { value: 2_500 },
      },
      {
        what: `reader in the terminal: first of ${issues} issues drawn, plain: node -e 0`,
        unit: 'ms',
        samples: { ours: screens[0] ?? [], baseline: screens[1] ?? [] },
        goal: { ratio: 3 },
      },
      {
        what: `reader in the terminal: slowest of ${issues} steps through the list`,
        unit: 'ms',
        samples: { ours: slowest, baseline: [] },
        goal: { value: 50 },
      },
    ]
  })
}

async function openLink(context: Context, link: string, bootstrap: string): Promise<number> {
  const browser = await launchBrowser()
  try {
    return await context.withTemporary('open', async (dataDir) => {
      const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap]
      const page = await browser.newPage()
      const start = performance.now()
      const command = ['open', link, '--json', ...flags]
      const opened = await context.children.startCommand<{ url: string }>(command)
      await page.goto(opened.ready.url)
      await page.waitForSelector('.prose')
      const ms = performance.now() - start
      await context.children.time([LAUNCHER, 'daemon', 'stop', '--quiet', ...flags])
      return ms
    })
  } finally {
    await browser.close()
  }
}

/** How long the page of a draft takes to show each change of its file, in ms. */
async function refresh(context: Context, folder: string, changes: number): Promise<number[]> {
  const flags = ['--data-dir', join(folder, 'data'), '--bootstrap', '127.0.0.1:9']
  await context.children.time([LAUNCHER, 'create', 'Tide Tables', '--json', ...flags])
  const draft = join(folder, 'draft.md')
  const write = (change: number) => writeFile(draft, `# Tide\n\nChange ${change}.\n\n${LONG}`)
  await write(0)
  const command = [process.execPath, LAUNCHER, 'preview', draft, '--no-browser', ...flags]
  const terminal = inTerminal(command)
  const browser = await launchBrowser()
  try {
    const url = await terminal.shows(/http:\/\/[!-~]+/)
    const page = await browser.newPage()
    await page.goto(url)
    await page.waitForSelector('html[data-following]')
    const samples: number[] = []
    for (let change = 1; change <= changes; change++) {
      await write(change)
      const start = performance.now()
      await page.waitForSelector(`.prose p:text-is("Change ${change}.")`)
      samples.push(performance.now() - start)
    }
    return samples
  } finally {
    await browser.close()
    await terminal.end('\u0003')
  }
}

/** How long a command takes in a terminal until its first screen is drawn, in ms. */
async function firstScreen(command: readonly string[]): Promise<number> {
  const start = performance.now()
  const terminal = inTerminal(command)
  await terminal.shows(new RegExp(DRAWN))
  const ms = performance.now() - start
  await terminal.end('q')
  return ms
}

/** Goes through the whole list, one issue after the other; how long the slowest step took until it was drawn, in ms. */
async function slowestStep(command: readonly string[], issues: number): Promise<number> {
  const terminal = inTerminal(command)
  await terminal.shows(new RegExp(DRAWN))
  let slowest = 0
  for (let step = 1; step < issues; step++) slowest = Math.max(slowest, await terminal.press('j'))
  await terminal.end('q')
  return slowest
}

/** Runs a command in a terminal of its own. */
function inTerminal(command: readonly string[]) {
  const line = command.map((it) => `'${it.replaceAll("'", `'\\''`)}'`).join(' ')
  const env = { ...process.env, TERM: 'xterm-256color' }
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let seen = ''
  child.stdout.on('data', (part: Buffer) => (seen += part.toString()))
  return {
    /** Resolves with what matches, as soon as it was written. */
    async shows(pattern: RegExp): Promise<string> {
      for (;;) {
        const [found] = pattern.exec(seen) ?? []
        if (found !== undefined) return found
        if (child.exitCode !== null) throw new Error(`It ended: ${seen}`)
        await Promise.race([once(child.stdout, 'data'), closed])
      }
    },
    /** Presses a key; how long it takes until something is drawn, in ms. */
    async press(key: string): Promise<number> {
      const start = performance.now()
      const drawn = once(child.stdout, 'data')
      child.stdin.write(key)
      await drawn
      return performance.now() - start
    },
    /** Presses a last key. */
    async end(key: string): Promise<void> {
      child.stdin.end(key)
      await closed
    },
  }
}
