import { spawnSync } from 'node:child_process'
import { copyFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, type TestContext } from 'vitest'
import { openEngine } from '../helpers/engines.ts'
import { LAUNCHER } from '../helpers/bin.ts'
import { beginNewsletter, issueOf } from '../helpers/newsletters.ts'
import { firstLine, startNode } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { tmux } from '../helpers/tmux.ts'

/** A data directory in which a newsletter with so many issues is followed. */
async function library(context: TestContext, issues: number, text?: (issue: number) => string) {
  if (spawnSync('tmux', ['-V']).status !== 0) context.skip('tmux is not installed')
  const dataDir = await temporaryDirectory()
  const engine = await openEngine({ dataDir })
  const { feed } = await beginNewsletter(engine)
  await engine.library.add(feed.feedKey, 'subscriber')
  const numbers = Array.from({ length: issues }, (_, i) => i + 1)
  const composed = await Promise.all(numbers.map((it) => issueOf(`Issue ${it}`, text?.(it))))
  await engine.author.append(feed, composed)
  await engine.close()
  return dataDir
}

const PICTURE = fileURLToPath(new URL('../../fixtures/drafts/images/tide.png', import.meta.url))

const commandIn = (dataDir: string, args: readonly string[]) => [
  LAUNCHER,
  '--data-dir',
  dataDir,
  '--bootstrap',
  '127.0.0.1:1',
  ...args,
]

const open = (dataDir: string, args: readonly string[] = [], options = {}) => {
  // What tmux says of itself hides that a terminal shows pictures.
  const command = ['env', '-u', 'TMUX', process.execPath, ...commandIn(dataDir, args)]
  return tmux(command, {
    env: { HYPERLETTER_LOCAL_DISCOVERY: 'off', XDG_CONFIG_HOME: dataDir },
    ...options,
  })
}

const long = (issue: number) =>
  `${Array.from({ length: 60 }, (_, i) => `Line ${i + 1} of ${issue}.`).join('\n\n')}\n`

describe('the reader in the terminal', () => {
  test('is what the program shows alone, and takes one key an issue', async (context) => {
    const terminal = await open(await library(context, 5))
    const list = await terminal.shows(/>● {2}Tide Tables {2}Issue 5/)
    expect(list).toMatch(/Low water at noon\.\n Enter read {2}n next unread/)
    await terminal.press('Enter')
    expect(await terminal.shows(/^Issue 5\n/)).toContain('✓ signed')
    await terminal.press('n')
    await terminal.shows(/^Issue 4\n/)
    await terminal.press('n')
    await terminal.shows(/^Issue 3\n/)
    await terminal.press('s')
    await terminal.shows(/Starred\./)
    await terminal.press('m')
    await terminal.shows(/Marked as unread\./)
    await terminal.press('q')
    const left = await terminal.shows(/>●★ Tide Tables {2}Issue 3/)
    expect(left).toMatch(/^ {4}Tide Tables {2}Issue 5/m)
    await terminal.press('A')
    await terminal.shows(/Marked 3 issues as read; z undoes it/)
    await terminal.press('z')
    expect(await terminal.shows(/unread again/)).toMatch(/● .*Issue 1 /)
    await terminal.press('Tab')
    expect(await terminal.shows(/^Starred/)).not.toContain('Issue 5')
    await terminal.press('q')
    // The shell has its terminal back as it was.
    expect(await terminal.shows(/^ended: 0$/)).not.toContain('Issue')
  })

  test('shows no more than a screen of a text, at any size', async (context) => {
    const terminal = await open(await library(context, 2, long), ['inbox'], {
      columns: 40,
      rows: 10,
    })
    expect(await terminal.shows(/>● .*Issue 2/)).not.toMatch(/.{41}/)
    await terminal.press('Enter')
    expect(await terminal.shows(/Line 1 of 2\./)).not.toContain('Line 8 of 2.')
    await terminal.press('Space')
    expect(await terminal.shows(/Line 5 of 2\./)).not.toContain('Line 1 of 2.')
    await terminal.resize(60, 20)
    await terminal.shows(/Line 9 of 2\./)
    await terminal.press('G')
    await terminal.shows(/Line 60 of 2\.\n 100 %/)
    await terminal.press('Space', 'n')
    await terminal.shows(/^Issue 1\n/)
  })

  test('finds what was searched for, and goes back', async (context) => {
    const text = (issue: number) => (issue === 2 ? 'The lighthouse.\n' : 'Low water.\n')
    const terminal = await open(await library(context, 3, text))
    await terminal.shows(/>● .*Issue 3/)
    await terminal.press('/')
    await terminal.type('lighthouse')
    await terminal.shows(/Search: lighthouse_/)
    await terminal.press('Enter')
    expect(await terminal.shows(/>● .*Issue 2/)).not.toContain('Issue 3')
    await terminal.press('Escape')
    await terminal.shows(/>● .*Issue 3/)
  })

  test('shows what arrives and is corrected meanwhile, and pictures', async (context) => {
    const dataDir = await library(context, 1)
    const command = (...args: string[]) => firstLine(startNode(commandIn(dataDir, args)))
    await command('daemon', 'run', '--json')
    const terminal = await open(dataDir, [], {
      env: { XDG_CONFIG_HOME: dataDir, TERM: 'xterm-kitty' },
    })
    await terminal.shows(/>● .*Issue 1/)
    const draft = join(await temporaryDirectory(), 'second.md')
    await copyFile(PICTURE, join(dirname(draft), 'tide.png'))
    await writeFile(draft, '# A lazy week\n\n![The tide](tide.png)\n')
    await command('publish', draft, '--json')
    const arrived = await terminal.shows(/New: A lazy week \(Tide Tables\)/)
    expect(arrived).toMatch(/ ● {2}Tide Tables {2}A lazy week[^]*>● {2}Tide Tables {2}Issue 1/)
    await terminal.press('k', 'Enter')
    await terminal.shows(/^A lazy week\n/)
    await command('amend', 'tide', '2', draft, '--note', 'It was busy.', '--json')
    await terminal.shows(/Corrected: A lazy week/)
    await terminal.press('v')
    await terminal.shows(/tide\.png The tide\s+Any key goes on\./)
    expect(await terminal.written()).toContain('\u001b_Ga=T,f=100,q=2,c=')
    await terminal.press('x', 'q')
    await terminal.shows(/>● {2}Tide Tables {2}A lazy week \(corrected: It was busy\.\)/)
  })

  test('is stopped and continued by the shell like any program', async (context) => {
    const dataDir = await library(context, 2)
    const terminal = await tmux(['bash', '--norc'], { env: { PS1: 'shell:' } })
    await terminal.shows(/shell:/)
    const flags = `--data-dir ${dataDir} --bootstrap 127.0.0.1:1`
    await terminal.type(`${process.execPath} ${LAUNCHER} ${flags}`)
    await terminal.press('Enter')
    await terminal.shows(/>● .*Issue 2/)
    await terminal.press('C-z')
    expect(await terminal.shows(/Stopped[^]*shell:/)).not.toContain('Issue 2')
    await terminal.type('fg')
    await terminal.press('Enter')
    await terminal.shows(/>● .*Issue 2/)
    await terminal.press('j')
    await terminal.shows(/>● .*Issue 1/)
    await terminal.press('q')
    await terminal.shows(/shell:$/)
  })

  test('obeys nothing that an author wrote', async (context) => {
    const evil = () => 'A \u001b[2J\u001b]0;owned\u0007 and \u009b31m text.\n'
    const terminal = await open(await library(context, 1, evil))
    await terminal.shows(/>● .*Issue 1/)
    await terminal.press('Enter')
    expect(await terminal.shows(/A {1,2}and/)).toMatch(/^Issue 1\n/)
  })

  test.for<[string, string[], NodeJS.ProcessEnv]>([
    ['on a dumb terminal', [], { TERM: 'dumb' }],
    ['where it is asked for', ['inbox', '--plain'], {}],
    ['where it is set', [], { HYPERLETTER_PLAIN: 'on' }],
  ])('is read line by line %s', async ([, args, env], context) => {
    const dataDir = await library(context, 12, long)
    const variables = { XDG_CONFIG_HOME: dataDir, ...env }
    const terminal = await open(dataDir, args, { rows: 12, env: variables })
    const list = await terminal.shows(/q quit: $|q quit:$/)
    expect(list).toContain('1. Issue 12. Tide Tables, number 12, ')
    expect(list).not.toContain('12. Issue 1.')
    await terminal.type('2')
    await terminal.press('Enter')
    expect(await terminal.shows(/Enter for more/)).not.toContain('─')
    await terminal.type('l')
    await terminal.press('Enter')
    await terminal.shows(/n next unread, s star/)
    await terminal.type('n')
    await terminal.press('Enter')
    await terminal.shows(/Issue 10\n/)
    await terminal.type('l')
    await terminal.press('Enter')
    await terminal.type('q')
    await terminal.press('Enter')
    await terminal.shows(/ended: 0/)
  })
})
