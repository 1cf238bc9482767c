import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import type { Input, Output } from '../../src/api/contract/contract.ts'
import { answer, Capture, fakeOperations, jsonOf, runCli, streamOf } from '../helpers/cli.ts'

const feedKey = `ybndrfg8${'y'.repeat(44)}`

const newsletter: Output<'listNewsletters'>[number] = {
  feedKey,
  link: `hyperletter://${feedKey}`,
  title: 'Tide Tables',
  roles: ['subscriber'],
  issues: 3,
  unread: 1,
  private: false,
}

const issueSummary = (number: number, more: Partial<Output<'markIssue'>> = {}) => ({
  feedKey,
  newsletter: 'Tide Tables',
  number,
  title: `Issue ${number}`,
  publishedAt: `2026-03-0${number}T12:00:00Z`,
  read: true,
  starred: false,
  held: true,
  ...more,
})

const issue: Output<'readIssue'> = {
  feedKey,
  newsletter: 'Tide Tables',
  number: 2,
  title: 'Spring tides',
  publishedAt: '2026-03-02T12:00:00Z',
  authors: [{ name: 'Ada Marsh' }],
  markdown: '# High water\n\nCome *early*. ![the tide](<images/a tide.png>)\n',
  attachments: [{ name: 'images/a tide.png', mediaType: 'image/png', bytes: 12_345, held: true }],
  editions: 1,
  verified: true,
}

describe('subscribe', () => {
  const subscribed = { event: 'subscribed' as const, feedKey, issues: 0 }
  const progress = { event: 'progress' as const, heldBlocks: 9, length: 9, peers: 1 }
  const listNewsletters = answer([newsletter])

  it('reports the title and the number of issues that arrived meanwhile', async () => {
    const operations = { subscribe: streamOf([subscribed, progress]), listNewsletters }
    const human = await runCli(['subscribe', newsletter.link], { operations })
    expect(human).toMatchObject({
      code: 0,
      stdout: 'Subscribed to “Tide Tables”: 3 issues, all downloaded.\n',
    })
    const json = await runCli(['subscribe', newsletter.link, '--json'], { operations })
    expect(jsonOf(json.stdout)).toMatchObject({ feedKey, title: 'Tide Tables', issues: 3 })
  })

  it.each(['TIMEOUT', 'NOT_AVAILABLE'] as const)(
    'says that the subscription is kept, and ends with 3, on %s',
    async (code) => {
      const unnamed = { feedKey, link: '', roles: [], issues: 0, unread: 0, private: false }
      const result = await runCli(['subscribe', feedKey, '--timeout', '1'], {
        operations: {
          subscribe: streamOf([subscribed], new HyperletterError(code, 'Nobody.')),
          listNewsletters: answer([unnamed]),
        },
      })
      expect(result).toMatchObject({ code: 3, stdout: 'Subscribed to ybndrfg8.\n' })
      expect(result.stderr).toContain('You follow it')
      expect(result.stderr).toContain('hyperletter daemon start')
    },
  )

  it('prints no result for a link that is none', async () => {
    const result = await runCli(['subscribe', 'nonsense', '--json'], {
      operations: {
        subscribe: streamOf<Output<'subscribe'>>(
          [],
          new HyperletterError('INVALID_LINK', 'Not a feed key.'),
        ),
      },
    })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(jsonOf(result.stderr)).toMatchObject({ error: { code: 'INVALID_LINK' } })
  })

  it('passes on whether and how long to wait', async () => {
    const seen: Input<'subscribe'>[] = []
    await runCli(['subscribe', feedKey, '--no-wait', '--timeout', '2.5'], {
      operations: {
        listNewsletters,
        subscribe: (input) => {
          seen.push(input)
          return streamOf([subscribed])()
        },
      },
    })
    expect(seen).toEqual([{ link: feedKey, wait: false, timeoutSeconds: 2.5 }])
  })
})

it('unsubscribe names what was left', async () => {
  const left = { feedKey, title: 'Tide Tables', issues: 3 }
  const operations = { unsubscribe: answer(left) }
  const human = await runCli(['unsubscribe', 'Tide Tables'], { operations })
  expect(human.stdout).toBe('Unsubscribed from “Tide Tables”.\n')
  const json = await runCli(['unsubscribe', 'Tide Tables', '--json'], { operations })
  expect(jsonOf(json.stdout)).toEqual(left)
})

describe('list', () => {
  it('shows titles, roles, counts and the start of the key', async () => {
    const { stdout } = await runCli(['list'], {
      operations: { listNewsletters: answer([newsletter]) },
    })
    expect(stdout).toMatch(/Tide Tables +subscriber +3 +1 +ybndrfg8\n$/)
  })

  it('gives the whole link with --json', async () => {
    const { stdout } = await runCli(['list', '--json'], {
      operations: { listNewsletters: answer([newsletter]) },
    })
    expect(jsonOf(stdout)).toEqual([newsletter])
  })

  it('warns of a damaged newsletter', async () => {
    const problem = { code: 'FEED_CONFLICT', message: 'Two histories exist.' }
    const { stderr } = await runCli(['list'], {
      operations: { listNewsletters: answer([{ ...newsletter, problem }]) },
    })
    expect(stderr).toContain('warning: “Tide Tables”: Two histories exist.')
  })
})

describe('issues', () => {
  const listIssues = answer([
    issueSummary(1),
    issueSummary(3, { read: false, held: false }),
    issueSummary(2, { read: false }),
  ])

  it('lists the newest first, with marks', async () => {
    const { stdout, stderr } = await runCli(['issues', "Ada's Tides"], {
      operations: { listIssues },
    })
    expect(stdout.split('\n').map((line) => line.slice(0, 13))).toEqual([
      '○  3  Issue 3',
      '●  2  Issue 2',
      '   1  Issue 1',
      '',
    ])
    expect(stderr).toContain(`hyperletter read 'Ada'\\''s Tides' <number>`)
  })

  it('lists the newest first as JSON', async () => {
    const { stdout } = await runCli(['issues', 'Tides', '--json'], { operations: { listIssues } })
    expect(jsonOf(stdout)).toMatchObject([{ number: 3 }, { number: 2 }, { number: 1 }])
  })
})

describe('inbox', () => {
  it('lists unread issues', async () => {
    const unread = [issueSummary(3, { read: false })]
    const operations = { listInbox: answer(unread), takeNotices: answer([]) }
    const { stdout, stderr } = await runCli(['inbox'], { operations })
    expect(stdout).toMatch(/Tide Tables +3 +Issue 3/)
    expect(stderr).toContain('hyperletter read ybndrfg8 3')
    expect(jsonOf((await runCli(['inbox', '--json'], { operations })).stdout)).toEqual(unread)
  })

  it('says what to do when nothing is followed', async () => {
    const { stdout, stderr } = await runCli(['inbox'], {
      operations: {
        listInbox: answer([]),
        listNewsletters: answer([]),
        takeNotices: answer([]),
      },
    })
    expect(stdout).toBe('No unread issues.\n')
    expect(stderr).toContain('hyperletter subscribe')
  })

  it('says that nothing has arrived yet from what is followed', async () => {
    const { title: _, ...waiting } = newsletter
    const { stderr } = await runCli(['inbox'], {
      operations: {
        listInbox: answer([]),
        listNewsletters: answer([waiting]),
        takeNotices: answer([]),
      },
    })
    expect(stderr).toMatch(/Nothing has arrived from \w{8} yet: check its link first\./)
  })
})

describe('read', () => {
  const readIssue = answer(issue)

  it('shows the head, the text and the attachments', async () => {
    const { code, stdout } = await runCli(['read', 'Tides', '2'], { operations: { readIssue } })
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Spring tides\nTide Tables · issue 2 · .*2026.* · by Ada Marsh · ✓ signed\n/,
    )
    expect(stdout).toContain('High water')
    expect(stdout).toContain('images/a tide.png (12 kB)')
  })

  it('marks the issue as read', async () => {
    const seen: Input<'readIssue'>[] = []
    await runCli(['read', 'Tides', '#2'], {
      operations: {
        readIssue: (input) => {
          seen.push(input)
          return Promise.resolve(issue)
        },
      },
    })
    expect(seen).toEqual([{ newsletter: 'Tides', number: 2, markRead: true }])
  })

  it('gives the Markdown byte for byte to a program', async () => {
    const markdown = 'a \u001b[31m\r\nb'
    const { stdout } = await runCli(['read', 'Tides', '--markdown'], {
      operations: { readIssue: answer({ ...issue, markdown }) },
    })
    expect(stdout).toBe(markdown)
  })

  it('keeps control characters of the Markdown from a terminal', async () => {
    const { stdout } = await runCli(['read', 'Tides', '--markdown'], {
      stdout: new Capture({ isTTY: true }),
      operations: { readIssue: answer({ ...issue, markdown: 'a \u001b[31mred\u0007\n' }) },
    })
    expect(stdout).toBe('a red\n')
  })

  it('gives HTML', async () => {
    const { stdout } = await runCli(['read', 'Tides', '--html'], { operations: { readIssue } })
    expect(stdout).toContain('<em>early</em>')
  })

  it('shows the issue that a link leads to', async () => {
    const asked: unknown[] = []
    const operations = {
      readIssue: (input: unknown) => {
        asked.push(input)
        return Promise.resolve(issue)
      },
    }
    const link = `hyperletter://${issue.feedKey}/2`
    await runCli(['read', `${link}#issue-tides`, '--markdown'], { operations })
    await runCli(['read', link, '3', '--markdown'], { operations })
    await runCli(['read', `<${link}>.`, '--markdown'], { operations })
    expect(asked).toMatchObject([{ number: 2 }, { number: 3 }, { number: 2 }])
  })

  it('gives everything as JSON, with HTML that names the attachments', async () => {
    const { stdout } = await runCli(['read', 'Tides', '--json'], { operations: { readIssue } })
    expect(jsonOf(stdout)).toMatchObject({ ...issue, html: expect.any(String) as string })
    expect(stdout).toContain('images/a%20tide.png')
  })

  it('warns of a text that could not be verified', async () => {
    const { stdout, stderr } = await runCli(['read', 'Tides'], {
      operations: { readIssue: answer({ ...issue, verified: false }) },
    })
    expect(stdout).not.toContain('✓')
    expect(stderr).toContain('warning:')
  })

  describe('on a terminal', () => {
    const long = { ...issue, markdown: 'A paragraph.\n\n'.repeat(40) }
    const terminal = () => new Capture({ isTTY: true, rows: 24 })
    const readOn = async (text: typeof issue, shown: boolean, ...flags: string[]) => {
      const pages: string[] = []
      const result = await runCli(['read', 'Tides', '2', '--no-color', ...flags], {
        stdout: terminal(),
        operations: { readIssue: answer(text), listNewsletters: answer([newsletter]) },
        services: {
          openPager: (page) => {
            pages.push(page)
            return Promise.resolve(shown)
          },
        },
      })
      return { ...result, pages }
    }

    it('opens the pager for what is longer than the screen', async () => {
      const { pages, stdout } = await readOn(long, true)
      expect(pages).toHaveLength(1)
      expect(pages[0]).toContain('A paragraph.')
      expect(stdout).toBe('')
    })

    it('closes the connection before the pager opens', async () => {
      const order: string[] = []
      const note = (what: string) => {
        order.push(what)
        return Promise.resolve()
      }
      const operations = fakeOperations({
        readIssue: answer(long),
        listNewsletters: answer([newsletter]),
      })
      await runCli(['read', 'Tides', '2'], {
        stdout: terminal(),
        services: {
          connect: () =>
            Promise.resolve({
              operations,
              via: 'engine' as const,
              openReader: () => Promise.reject(new Error('Unexpected reader.')),
              close: () => note('close'),
            }),
          openPager: () => note('page').then(() => true),
        },
      })
      expect(order).toEqual(['close', 'page'])
    })

    it('prints it where there is no pager', async () => {
      const { pages, stdout } = await readOn(long, false)
      expect(pages).toEqual([stdout])
    })

    it('prints a short issue, and a long one with --no-pager', async () => {
      expect((await readOn(issue, true)).pages).toEqual([])
      expect((await readOn(long, true, '--no-pager')).pages).toEqual([])
    })

    it('names the issues before and after it', async () => {
      const { stderr } = await readOn(issue, true)
      expect(stderr).toContain('next issue: 3, previous: 1 (hyperletter read Tides <number>)')
    })
  })
})

describe('watch', () => {
  it('prints one JSON object a line, as they arrive, until interrupted', async () => {
    const interrupt = new AbortController()
    const stdout = new Capture()
    const { code } = await runCli(['watch', '--json'], {
      stdout,
      signal: interrupt.signal,
      operations: {
        async *watchIssues() {
          yield await Promise.resolve(issueSummary(1))
          expect(stdout.text).toBe(`${JSON.stringify(issueSummary(1))}\n`)
          yield issueSummary(2)
          interrupt.abort()
        },
      },
    })
    expect(code).toBe(130)
    expect(stdout.text.trim().split('\n')).toHaveLength(2)
  })

  it('prints one line for each issue of one newsletter', async () => {
    const seen: Input<'watchIssues'>[] = []
    const { stdout } = await runCli(['watch', 'Tides'], {
      operations: {
        takeNotices: answer([]),
        watchIssues: (input) => {
          seen.push(input)
          return streamOf([issueSummary(3)])()
        },
      },
    })
    expect(stdout).toMatch(/^Tide Tables #3 {2}Issue 3 {2}.*2026.*\n$/)
    expect(seen).toEqual([{ newsletter: 'Tides' }])
  })

  it('ends with 0 after as many issues as asked for', async () => {
    const watchIssues = streamOf([1, 2, 3].map((it) => issueSummary(it)))
    const { code, stdout } = await runCli(['watch', '--count', '2', '--json'], {
      operations: { watchIssues },
    })
    expect(code).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(2)
  })

  it('tells of corrections with the note, and counts them as no issue', async () => {
    const other = {
      ...issueSummary(1),
      event: 'corrected' as const,
      retractedAt: '2026-03-03T12:00:00Z',
    }
    const event = { ...issueSummary(3), event: 'corrected' as const, note: 'The time\nwas wrong.' }
    const { stdout } = await runCli(['watch', '--count', '1'], {
      operations: {
        takeNotices: answer([]),
        watchIssues: streamOf([event, other, issueSummary(4)]),
      },
    })
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('Tide Tables #3  Issue 3  corrected: The time was wrong.')
    expect(lines[1]).toBe('Tide Tables #1  Issue 1  retracted')
    expect(lines[2]).toMatch(/^Tide Tables #4 {2}Issue 4 {2}.*2026/)
  })

  describe('of a newsletter that continues elsewhere', () => {
    const successor = {
      feedKey: 'y'.repeat(52),
      link: `hyperletter://${'y'.repeat(52)}#secret`,
      issuedAt: '2026-03-02T07:00:00.000Z',
    }
    const notice = { feedKey: 'o'.repeat(52), title: 'Tide Tables', successor }
    const event = { event: 'continues' as const, ...notice }

    it('prints a line that says where, and tells of it no second time', async () => {
      const other = { ...notice, feedKey: 'n'.repeat(52), title: 'Other' }
      const pending = [[], [notice, other], []]
      const { stdout, stderr } = await runCli(['watch'], {
        operations: {
          takeNotices: () => Promise.resolve(pending.shift() ?? []),
          watchIssues: streamOf([event]),
        },
      })
      expect(stdout).toBe(`Tide Tables  continues at hyperletter://${'y'.repeat(52)}\n`)
      // What another one does is not lost by that, and said beside it.
      expect(stderr).toContain('Other')
      expect(stderr).not.toContain('Tide Tables')
      expect(stdout + stderr).not.toContain('secret')
    })

    it('prints it as a JSON object with --json, and uses up no notice', async () => {
      const { stdout } = await runCli(['watch', '--json'], {
        operations: { watchIssues: streamOf([event]) },
      })
      expect(jsonOf(stdout)).toEqual(event)
    })
  })
})
