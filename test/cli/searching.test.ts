import { describe, expect, it } from 'vitest'
import type { Input, Output } from '../../src/api/contract/contract.ts'
import { answer, Capture, jsonOf, runCli } from '../helpers/cli.ts'

const feedKey = `ybndrfg8${'y'.repeat(44)}`

const result: Output<'search'>[number] = {
  feedKey,
  newsletter: 'Tide Tables',
  number: 3,
  title: 'The night the lamp went out',
  publishedAt: '2026-03-03T12:00:00Z',
  read: true,
  starred: true,
  excerpt: {
    text: 'the lighthouse keeper and the lighthouse',
    highlights: [
      [4, 14],
      [30, 40],
    ],
  },
}

const summary: Output<'markIssue'> = {
  feedKey,
  newsletter: 'Tide Tables',
  number: 3,
  title: 'The night the lamp went out',
  publishedAt: '2026-03-03T12:00:00Z',
  read: true,
  starred: true,
  held: true,
}

/** An operation that remembers what it was asked. */
function recording<I, O>(output: O) {
  const inputs: I[] = []
  const run = (input: I) => {
    inputs.push(input)
    return Promise.resolve(output)
  }
  return { inputs, run }
}

describe('search', () => {
  it('shows the best first, with where it was found', async () => {
    const { code, stdout, stderr } = await runCli(['search', 'lighthouse'], {
      operations: { search: answer([result]) },
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Tide Tables 3 {2}The night the lamp went out ★ {2}.*2026.*\n {2}the lighthouse keeper and the lighthouse\n$/,
    )
    expect(stderr).toContain('hyperletter read ybndrfg8 3')
  })

  it('prints what was found bold on a terminal, in lines that fit', async () => {
    const stdout = new Capture({ isTTY: true, columns: 30 })
    await runCli(['search', 'lighthouse'], {
      stdout,
      env: { TERM: 'xterm' },
      operations: { search: answer([result]) },
    })
    expect(stdout.text).toContain('the \u001b[1mlighthouse\u001b[22m keeper')
    expect(stdout.text).toContain('\n  the \u001b[1mlighthouse\u001b[22m')
  })

  it('gives JSON as it is', async () => {
    const operations = { search: answer([result]) }
    expect(jsonOf((await runCli(['search', 'x', '--json'], { operations })).stdout)).toEqual([
      result,
    ])
  })

  it('asks for all the words, in one newsletter, from a date on', async () => {
    const { inputs, run } = recording<Input<'search'>, Output<'search'>>([])
    const operations = { search: run }
    const more = ['--in', 'Tides', '--since', '2025', '--limit', '5']
    const { stdout, stderr } = await runCli(['search', 'spring', 'tide', ...more], { operations })
    expect(stdout).toBe('Nothing found.\n')
    expect(stderr).toContain('Only downloaded issues are searched')
    await runCli(['search', 'tide', '--since', '2025-02'], { operations })
    expect(inputs).toEqual([
      { query: 'spring tide', newsletter: 'Tides', since: '2025-01-01', limit: 5 },
      { query: 'tide', since: '2025-02-01' },
    ])
  })

  it.each(['March', '2025-13', '2025-02-30', '25'])('refuses %s as a date', async (since) => {
    expect((await runCli(['search', 'tide', '--since', since])).code).toBe(2)
  })

  it('wants a word, and a limit that makes sense', async () => {
    expect((await runCli(['search'])).code).toBe(2)
    expect((await runCli(['search', 'tide', '--limit', '0'])).code).toBe(2)
    expect((await runCli(['search', 'tide', '--limit', '201'])).code).toBe(2)
  })
})

describe('star', () => {
  it('sets and takes a star', async () => {
    const { inputs, run } = recording<Input<'markIssue'>, Output<'markIssue'>>(summary)
    const operations = { markIssue: run }
    const { stdout, stderr } = await runCli(['star', 'Tides', '3'], { operations })
    expect(stdout).toBe('Starred: “The night the lamp went out”\n')
    expect(stderr).toContain('hyperletter inbox --starred')
    const removed = await runCli(['star', 'Tides', '3', '--remove'], { operations })
    expect(removed.stdout).toContain('No longer starred')
    expect(inputs).toEqual([
      { newsletter: 'Tides', number: 3, starred: true },
      { newsletter: 'Tides', number: 3, starred: false },
    ])
  })
})

describe('mark', () => {
  const marked = { feedKey, newsletter: 'Tide Tables', changed: 2 }

  it('marks issues by number, or all', async () => {
    const { inputs, run } = recording<Input<'markIssues'>, Output<'markIssues'>>(marked)
    const operations = { markIssues: run }
    const all = await runCli(['mark', 'Tides', '--read', '--all'], { operations })
    expect(all.stdout).toBe('Marked 2 issues of “Tide Tables” as read.\n')
    const some = await runCli(['mark', 'Tides', '3', '#4', '--unread'], { operations })
    expect(some.stdout).toBe('Marked 2 issues of “Tide Tables” as unread.\n')
    expect(inputs).toEqual([
      { newsletter: 'Tides', read: true },
      { newsletter: 'Tides', numbers: [3, 4], read: false },
    ])
  })

  it.each([
    ['neither read nor unread', ['--all']],
    ['both', ['--all', '--read', '--unread']],
    ['neither numbers nor all', ['--read']],
    ['both numbers and all', ['3', '--all', '--read']],
  ])('refuses %s', async (_, args) => {
    expect((await runCli(['mark', 'Tides', ...args])).code).not.toBe(0)
  })
})

describe('inbox', () => {
  it('lists all or starred issues when asked, and says so when there are none', async () => {
    const { inputs, run } = recording<Input<'listInbox'>, Output<'listInbox'>>([])
    const operations = { listInbox: run, listNewsletters: answer([]), takeNotices: answer([]) }
    expect((await runCli(['inbox', '--all'], { operations })).stdout).toBe('No issues yet.\n')
    const starred = await runCli(['inbox', '--starred'], { operations })
    expect(starred.stdout).toBe('No starred issues.\n')
    expect(inputs).toEqual([{ show: 'all' }, { show: 'starred' }])
  })

  it('marks unread and starred issues where not all are unread', async () => {
    const issues = [
      { ...summary, read: false },
      { ...summary, number: 2, starred: false },
    ]
    const operations = { listInbox: answer(issues), takeNotices: answer([]) }
    const { stdout } = await runCli(['inbox', '--all'], { operations })
    expect(stdout.split('\n').map((line) => line.slice(0, 4))).toEqual(['●★  ', '    ', ''])
  })
})
