import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { Printer } from '../../src/cli/output.ts'
import { lazyServices } from '../../src/cli/context.ts'
import { formatDuration, markedTitle, plural, shellWord } from '../../src/cli/terminal/format.ts'
import { needsPager, openPager, pagerCommand } from '../../src/cli/terminal/programs.ts'
import { Progress } from '../../src/cli/terminal/progress.ts'
import { formatBytes } from '../../src/render/plain.ts'
import { formatTable, measureFor, truncate } from '../../src/cli/terminal/table.ts'
import { Capture } from '../helpers/cli.ts'

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_960, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [1_234_567_890, '1.2 GB'],
  ])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [0, '0 s'],
    [59.6, '1 min'],
    [61, '1 min 1 s'],
    [7_200, '2 h'],
    [90_000, '1 d 1 h'],
  ])('%f seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))

  it('count in words', () => {
    expect([plural(1, 'reader'), plural(2, 'reader')]).toEqual(['1 reader', '2 readers'])
  })
})

describe('a word for a shell', () => {
  it.each([
    ['ybndrfg8', 'ybndrfg8'],
    ['Tide Tables', `'Tide Tables'`],
    [`x'; rm -rf ~ #`, `'x'\\''; rm -rf ~ #'`],
    ['$(reboot)', `'$(reboot)'`],
  ])('%s is written as %s', (text, word) => expect(shellWord(text)).toBe(word))
})

describe('tables', () => {
  it('align wide characters', async () => {
    const rows = [
      ['潮の満ち引き', '1'],
      ['Tides', '20'],
      ['👩‍👩‍👧 letters', '3'],
    ]
    expect(await formatTable([{ header: 'title' }, { header: 'n', align: 'right' }], rows)).toBe(
      ['title          n', '潮の満ち引き   1', 'Tides         20', '👩‍👩‍👧 letters     3', ''].join(
        '\n',
      ),
    )
  })

  it('never are wider than the terminal and keep one row a line', async () => {
    const cell = fc.string({ unit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell)),
        fc.integer({ min: 20, max: 100 }),
        async (rows, width) => {
          const text = await formatTable([{ shrink: true }, { shrink: true }], rows, { width })
          const lines = text.split('\n').slice(0, -1)
          expect(lines).toHaveLength(rows.length)
          for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width)
        },
      ),
    )
  })

  it('cut between characters', () => {
    expect(truncate('潮の満ち引き', 6, stringWidth)).toBe('潮の…')
    expect(truncate('short', 5, stringWidth)).toBe('short')
  })
})

describe('the pager', () => {
  it('is wanted for a text longer than the terminal only', () => {
    const terminal = new Capture({ isTTY: true, rows: 10 })
    expect(needsPager('line\n'.repeat(8), terminal)).toBe(false)
    expect(needsPager('line\n'.repeat(10), terminal)).toBe(true)
    expect(needsPager('line\n'.repeat(99), new Capture())).toBe(false)
  })

  it.each([
    [{}, 'linux', ['less', '-R']],
    [{}, 'win32', []],
    [{ PAGER: 'most -s  -w' }, 'linux', ['most', '-s', '-w']],
    [{ PAGER: '' }, 'linux', []],
  ] as const)('of %j on %s is %j', (env, platform, command) => {
    expect(pagerCommand(env, platform)).toEqual(command)
  })

  it('that does not exist shows nothing', async () => {
    expect(await openPager('text', { PAGER: 'hyperletter-no-such-pager' })).toBe(false)
  })

  it('that is left before the end of the text is no failure', async () => {
    const env = { ...process.env, PAGER: `${process.execPath} -e 0` }
    expect(await openPager('text\n'.repeat(100_000), env)).toBe(true)
  })
})

describe('progress', () => {
  const open = (stderr: Capture, options: { json?: boolean; quiet?: boolean } = {}) => {
    const io = {
      stdin: process.stdin,
      stdout: new Capture(),
      stderr,
      env: {},
      cwd: '/',
      signal: new AbortController().signal,
    }
    const all = { color: false, ...options }
    return new Progress(
      {
        io,
        options: all,
        out: new Printer(io, all),
        services: lazyServices,
        describe: () => Promise.reject(new Error('Nobody asked.')),
      },
      'importing',
      0,
    )
  }

  it('shows a bar on a terminal and leaves nothing', async () => {
    const stderr = new Capture({ isTTY: true })
    using progress = open(stderr)
    progress.update({ done: 1, total: 4, note: 'a.md' })
    await stderr.waitFor(/importing {2}█{6}░{18} {2}1\/4 {2}a\.md/)
    progress.stop()
    expect(stderr.text).toMatch(/\u001b\[2K$/)
  })

  it('shows only words while the end is not known', async () => {
    const stderr = new Capture({ isTTY: true })
    using progress = open(stderr)
    progress.update({ done: 0, total: 0, note: '0 peers' })
    await stderr.waitFor(/importing {2}0 peers/)
    progress.stop()
    expect(stderr.text).not.toContain('░')
  })

  it.each([
    ['without a terminal', {}, false],
    ['with --json', { json: true }, true],
    ['with --quiet', { quiet: true }, true],
  ])('shows nothing %s', async (_, options, isTTY) => {
    const stderr = new Capture({ isTTY })
    const shown = new Capture({ isTTY: true })
    using progress = open(stderr, options)
    // The second bar tells when the first one would have been there.
    using witness = open(shown)
    for (const it of [progress, witness]) it.update({ done: 1, total: 2 })
    await shown.waitFor(/1\/2/)
    expect(stderr.text).toBe('')
  })
})

describe('the width of a text', () => {
  it('is what it is in the tables of Unicode, also where they are not loaded', async () => {
    const letters = Array.from({ length: 0x300 }, (_, i) => String.fromCodePoint(i + 0x20))
    const signs = Array.from('–—‘’“”…·█░●○✓潮é🌊')
    for (const text of [...letters, ...signs]) {
      const measure = await measureFor([text])
      expect([text, measure(text)]).toEqual([text, stringWidth(text)])
    }
  })
})

describe('markedTitle', () => {
  it('says where there is nothing to see in a title, whatever became of its issue', () => {
    const at = '2026-01-01T00:00:00Z'
    expect(markedTitle({ title: '\u3164' })).toBe('(nothing to see)')
    expect(markedTitle({ title: '\u3164', amendedAt: at })).toBe('(nothing to see) (amended)')
    expect(markedTitle({ title: '\u2800', retractedAt: at })).toBe('(nothing to see) (retracted)')
  })
})
