import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { launchBrowser } from '../../test/helpers/browser.ts'
import { LAUNCHER } from '../children.ts'
import type { Context } from '../context.ts'
import { interleave, type Result } from '../measure.ts'

/** The last words of the first screen. */
const DRAWN = 'q quit'

/** From a link to the first paint of the newest issue, and from a command to the first screen of a reader in the terminal. */
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
    const [ours = [], baseline = []] = await context.withTemporary('daily', async (dataDir) => {
      const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap]
      const subscribe = ['subscribe', link, '--unread', 'all', '--quiet']
      await context.children.time([LAUNCHER, ...flags, ...subscribe])
      const daemon = await context.children.startDaemon(flags)
      const node = [process.execPath, '-e', `process.stdout.write('${DRAWN}')`]
      const reader = [process.execPath, LAUNCHER, ...flags]
      try {
        context.say(`reader in the terminal: ${runs} rounds`)
        return await interleave(runs, [() => firstScreen(reader), () => firstScreen(node)])
      } finally {
        await daemon.stop()
      }
    })
    return [
      {
        what: `open <link>: newest of ${issues} issues painted, from nothing`,
        unit: 'ms',
        samples: { ours: opened, baseline: [] },
        goal: { value: 2_500 },
      },
      {
        what: `reader in the terminal: first of ${issues} issues drawn, plain: node -e 0`,
        unit: 'ms',
        samples: { ours, baseline },
        goal: { ratio: 3 },
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

/** How long a command takes in a terminal until its first screen is drawn, in ms. */
async function firstScreen(command: readonly string[]): Promise<number> {
  const line = command.map((it) => `'${it.replaceAll("'", `'\\''`)}'`).join(' ')
  const env = { ...process.env, TERM: 'xterm-256color' }
  const start = performance.now()
  const terminal = spawn('script', ['-qfec', line, '/dev/null'], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const closed = once(terminal, 'close')
  let seen = ''
  let ms = Infinity
  terminal.stdout.on('data', (part: Buffer) => {
    seen += part.toString()
    if (ms !== Infinity || !seen.includes(DRAWN)) return
    ms = performance.now() - start
    terminal.stdin.end('q')
  })
  await closed
  if (ms === Infinity) throw new Error(`Nothing was drawn: ${seen}`)
  return ms
}
