import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Input, Operations, Output } from '../../src/api/contract/contract.ts'
import { renderDiff } from '../../src/cli/commands/read/read-diff.ts'
import { createStyle } from '../../src/cli/terminal/format.ts'
import { answer, Capture, jsonOf, Keyboard, runCli } from '../helpers/cli.ts'

const feedKey = 'y'.repeat(52)

const amended: Output<'amendIssue'> = {
  feedKey,
  number: 3,
  title: 'Spring tides',
  amendedAt: '2026-03-03T12:00:00Z',
  editions: 2,
  warnings: [],
}

const retracted: Output<'retractIssue'> = {
  feedKey,
  number: 3,
  title: 'Spring tides',
  retractedAt: '2026-03-03T12:00:00Z',
}

const first: Output<'readIssue'> = {
  feedKey,
  newsletter: 'Tide Tables',
  number: 3,
  title: 'Spring tide',
  publishedAt: '2026-03-02T12:00:00Z',
  markdown: '# High water\n\nCome at 12:10.\n',
  attachments: [],
  editions: 2,
  verified: true,
}

const second: Output<'readIssue'> = {
  ...first,
  title: 'Spring tides',
  markdown: '# High water\n\nCome at 14:10.\n',
  amendedAt: '2026-03-03T12:00:00Z',
  note: 'The time was wrong.',
}

const gone: Output<'readIssue'> = {
  ...first,
  markdown: '',
  retracted: { at: '2026-03-04T12:00:00Z', reason: 'Of another harbour.' },
}

/** Both editions, as `readIssue` gives them. */
const readIssue: Operations['readIssue'] = (input) =>
  Promise.resolve(input.edition === 1 ? first : second)

/** An operation that keeps its inputs. */
function recording<I, O>(output: O) {
  const inputs: I[] = []
  return {
    inputs,
    operation: (input: I) => {
      inputs.push(input)
      return Promise.resolve(output)
    },
  }
}

describe('amend', () => {
  it('sends the file and the note, and says how many editions there are', async () => {
    const { inputs, operation } = recording<Input<'amendIssue'>, Output<'amendIssue'>>(amended)
    const argv = ['amend', 'Tide Tables', '#3', 'spring.md', '--note', 'The time.']
    const { code, stdout, stderr } = await runCli(argv, {
      cwd: '/letters',
      operations: { amendIssue: operation },
    })
    expect(code).toBe(0)
    expect(inputs).toEqual([
      {
        newsletter: 'Tide Tables',
        number: 3,
        draft: { file: '/letters/spring.md' },
        note: 'The time.',
      },
    ])
    expect(stdout).toBe('Amended issue 3, “Spring tides”: it has 2 editions now.\n')
    expect(stderr).toContain("next: hyperletter read 'Tide Tables' 3 --diff")
  })

  it('takes the text from standard input, and prints exactly the result with --json', async () => {
    const { inputs, operation } = recording<Input<'amendIssue'>, Output<'amendIssue'>>(amended)
    const { stdout, stderr } = await runCli(['amend', 'Tide', '3', '-', '--json'], {
      stdin: Readable.from(['# Mended\n']),
      cwd: '/letters',
      operations: { amendIssue: operation },
    })
    expect(inputs[0]?.draft).toEqual({ markdown: '# Mended\n', folder: '/letters' })
    expect(jsonOf(stdout)).toEqual(amended)
    expect(stderr).toBe('')
  })
})

describe('retract', () => {
  const listed = {
    feedKey,
    newsletter: 'Tide Tables',
    number: 3,
    title: 'Spring tides',
    publishedAt: '2026-03-02T12:00:00Z',
    read: true,
    starred: false,
    held: true,
  }

  it('does it at once with --yes', async () => {
    const { inputs, operation } = recording<Input<'retractIssue'>, Output<'retractIssue'>>(
      retracted,
    )
    const argv = ['retract', 'Tide', '3', '--reason', 'Wrong.', '--yes', '--json']
    const { code, stdout } = await runCli(argv, { operations: { retractIssue: operation } })
    expect(code).toBe(0)
    expect(inputs).toEqual([{ newsletter: 'Tide', number: 3, reason: 'Wrong.' }])
    expect(jsonOf(stdout)).toEqual(retracted)
  })

  it.each([
    ['3\n', 0],
    ['no\n', 1],
  ])('asks on a terminal, says what cannot be undone, and obeys %j', async (typed, code) => {
    const { inputs, operation } = recording<Input<'retractIssue'>, Output<'retractIssue'>>(
      retracted,
    )
    const stdin = new Keyboard()
    const stderr = new Capture({ isTTY: true })
    const running = runCli(['retract', 'Tide', '3'], {
      stdin,
      stderr,
      operations: { retractIssue: operation, listIssues: answer([listed]) },
    })
    await stderr.waitFor(/Type 3 to retract it: $/)
    expect(stderr.text).toMatch(/cannot be undone/)
    expect(stderr.text).toMatch(/Spring tides/)
    stdin.write(typed)
    expect((await running).code).toBe(code)
    expect(inputs).toHaveLength(code === 0 ? 1 : 0)
  })

  it('refuses without a terminal and without --yes, and retracts nothing', async () => {
    const { code, stderr } = await runCli(['retract', 'Tide', '3', '--json'])
    expect(code).toBe(2)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'INVALID_INPUT' } })
  })

  it('says in its help what cannot be undone', async () => {
    const { stdout } = await runCli(['retract', '--help'])
    expect(stdout).toMatch(/A retraction is permanent, and copies may remain/)
    expect(stdout).toMatch(/\$ hyperletter retract /)
  })
})

describe('read', () => {
  it('says that an issue was amended, when and why', async () => {
    const { stdout } = await runCli(['read', 'Tide', '3'], { operations: { readIssue } })
    expect(stdout).toMatch(/amended on .*2026.*: The time was wrong\./)
    expect(stdout).toContain('14:10')
  })

  it('shows an older edition, and says that it is one', async () => {
    const { stdout } = await runCli(['read', 'Tide', '3', '--edition', '1'], {
      operations: { readIssue },
    })
    expect(stdout).toContain('as first published; there are 2 editions')
    expect(stdout).toContain('12:10')
  })

  it('shows what was changed', async () => {
    const { code, stdout } = await runCli(['read', 'Tide', '3', '--diff'], {
      operations: { readIssue },
    })
    expect(code).toBe(0)
    expect(stdout).toContain('-Spring tide\n+Spring tides\n')
    expect(stdout).toContain(' # High water\n \n-Come at 12:10.\n+Come at 14:10.\n')
  })

  it('gives the difference as text with --json', async () => {
    const { stdout } = await runCli(['read', 'Tide', '3', '--diff', '--json'], {
      operations: { readIssue },
    })
    expect(jsonOf(stdout)).toMatchObject({
      number: 3,
      editions: 2,
      titleBefore: 'Spring tide',
      diff: '@@ -1,3 +1,3 @@\n # High water\n \n-Come at 12:10.\n+Come at 14:10.\n',
    })
  })

  it('says that an issue was retracted, when and why, and shows no text', async () => {
    const operations = { readIssue: answer(gone) }
    const { code, stdout } = await runCli(['read', 'Tide', '3'], { operations })
    expect(code).toBe(0)
    expect(stdout).toMatch(/retracted on .*2026.*: Of another harbour\./)
    const plain = await runCli(['read', 'Tide', '3', '--markdown'], { operations })
    expect(plain).toMatchObject({ code: 0, stdout: '' })
    expect(plain.stderr).toMatch(/retracted on/)
    const diff = await runCli(['read', 'Tide', '3', '--diff'], { operations })
    expect(diff.stdout).toMatch(/retracted/)
  })
})

describe('a difference', () => {
  const coloured = createStyle(true)
  const plain = createStyle(false)

  it('is empty between equal texts, also if only line ends differ', () => {
    expect(renderDiff('a\nb\n', 'a\r\nb\r\n', plain)).toBe('')
  })

  it('marks the words that changed within a line', () => {
    const diff = renderDiff('Come at noon.\n', 'Come at dusk.\n', coloured)
    expect(diff).toContain('\u001b[1m\u001b[31mnoon\u001b[39m\u001b[22m')
    expect(diff).toContain('\u001b[1m\u001b[32mdusk\u001b[39m\u001b[22m')
  })

  it('lets no control character of either text through', () => {
    const diff = renderDiff('a\u001b[2J\n', 'b\u009b2J\u0007\n', plain)
    expect(diff).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  })

  it('of two large texts that have nothing in common ends in time', () => {
    const text = (seed: number) =>
      Array.from({ length: 60_000 }, (_, i) => `${(i * 7_919 + seed) % 1_000_003} tides`).join('\n')
    const begun = performance.now()
    renderDiff(text(1), text(500_000), plain)
    expect(performance.now() - begun).toBeLessThan(10_000)
  })

  it('of many long lines that have nothing in common ends in time', () => {
    const line = (seed: number) =>
      Array.from({ length: 800 }, (_, i) => `${seed}${(i * 7_919) % 1_000}`).join(' ')
    const text = (seed: number) => Array.from({ length: 300 }, () => `${line(seed)}\n`).join('')
    const begun = performance.now()
    expect(renderDiff(text(1), text(2), plain)).toContain(`+${line(2)}`)
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})

it('lists mark what was amended and what was retracted', async () => {
  const issue = {
    feedKey,
    newsletter: 'Tide Tables',
    number: 1,
    title: 'Neap tides',
    publishedAt: '2026-03-02T12:00:00Z',
    read: false,
    starred: false,
    held: true,
  }
  const found = [
    { ...issue, number: 2, amendedAt: '2026-03-03T12:00:00Z' },
    { ...issue, retractedAt: '2026-03-03T12:00:00Z' },
    {
      ...issue,
      number: 3,
      amendedAt: '2026-03-03T12:00:00Z',
      corrected: true as const,
      note: 'The\ntime.',
    },
  ]
  const operations = {
    listIssues: answer(found),
    listInbox: answer(found),
    takeNotices: answer([]),
  }
  for (const argv of [['issues', 'Tide'], ['inbox']]) {
    const { stdout } = await runCli(argv, { operations })
    expect(stdout).toMatch(/2 +Neap tides \(amended\)/)
    expect(stdout).toMatch(/1 +Neap tides \(retracted\)/)
    expect(stdout).toMatch(/3 +Neap tides \(corrected: The time\.\)/)
  }
})
