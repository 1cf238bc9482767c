import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import type { Input, Operations, Output } from '../../src/api/contract/contract.ts'
import { answer, Capture, jsonOf, Keyboard, runCli, someConfig, streamOf } from '../helpers/cli.ts'

const feedKey = 'y'.repeat(52)
const words = Array.from({ length: 24 }, (_, i) => `word${String.fromCharCode(97 + i)}`)

const created: Output<'createNewsletter'> = {
  feedKey,
  link: `hyperletter://${feedKey}`,
  title: 'Tide Tables',
  recoveryPhrase: words.join(' '),
}

const published: Output<'publishIssue'> = {
  event: 'published',
  feedKey,
  number: 4,
  title: 'Spring tides',
  publishedAt: '2026-03-01T09:30:00Z',
  attachments: 2,
  copies: 0,
}

describe('create', () => {
  it('prints the link and the numbered words', async () => {
    const { code, stdout, stderr } = await runCli(['create', 'Tide Tables'], {
      operations: { listNewsletters: answer([]), createNewsletter: answer(created) },
    })
    expect(code).toBe(0)
    expect(stdout).toContain(created.link)
    words.forEach((word, i) => expect(stdout).toMatch(new RegExp(`\\b${i + 1} ${word}\\b`)))
    expect(stdout).toContain('shown only once')
    expect(stderr).toMatch(/next: hyperletter publish <file.md> --to yyyyyyyy/)
  })

  it('prints exactly the result with --json', async () => {
    const { stdout, stderr } = await runCli(['create', 'Tide Tables', '--json'], {
      operations: { listNewsletters: answer([]), createNewsletter: answer(created) },
    })
    expect(jsonOf(stdout)).toEqual(created)
    expect(stderr).toBe('')
  })

  it('warns of a second newsletter with the same title, and refuses what is no language', async () => {
    const own = { title: 'Tide Tables', roles: ['author'] } as Output<'listNewsletters'>[number]
    const operations = { listNewsletters: answer([own]), createNewsletter: answer(created) }
    const { stderr } = await runCli(['create', 'Tide Tables'], { operations })
    expect(stderr).toContain('another newsletter with this title; yyyyyyyy names the new one')
    const wrong = await runCli(['create', 'Tides', '--language', 'pt_BR'], {})
    expect(wrong.stderr).toContain('Not a language tag; try en or pt-BR.')
  })

  it('passes on what was said of the newsletter', async () => {
    const seen: Input<'createNewsletter'>[] = []
    const argv = ['create', 'Tides', '--description', 'When to go', '--language', 'en', '--private']
    const authors = ['--author', 'Ada <https://example.org>', '--author', 'Bo']
    await runCli([...argv, ...authors], {
      operations: {
        listNewsletters: answer([]),
        createNewsletter: (input) => {
          seen.push(input)
          return Promise.resolve(created)
        },
      },
    })
    expect(seen).toEqual([
      {
        title: 'Tides',
        description: 'When to go',
        language: 'en',
        private: true,
        authors: [{ name: 'Ada', url: 'https://example.org' }, { name: 'Bo' }],
      },
    ])
  })

  describe('on a terminal', () => {
    /** Answers each question as `reply` says, given the word that is asked for. */
    async function createAndAnswer(
      reply: (word: string) => string | undefined,
      ...flags: string[]
    ) {
      const stdout = new Capture({ isTTY: true })
      const stdin = new Keyboard()
      const stderr = new Capture({ isTTY: true })
      let answered = 0
      let isReady = false
      stderr.on('text', (text: string) => {
        if (!isReady && text.includes('Press Enter')) {
          isReady = true
          stdin.write('\n')
        }
        const asked = [...text.matchAll(/Word (\d+): /g)]
        while (answered < asked.length) {
          const line = reply(words[Number(asked[answered++]?.[1]) - 1] ?? '')
          if (line === undefined) stdin.end()
          else stdin.write(`${line}\n`)
        }
      })
      const result = await runCli(['create', 'Tide Tables', '--no-color', ...flags], {
        stdin,
        stdout,
        stderr,
        operations: { listNewsletters: answer([]), createNewsletter: answer(created) },
      })
      return { ...result, answered }
    }

    it('asks back three words', async () => {
      const { code, stderr, answered } = await createAndAnswer((word) => word.toUpperCase())
      expect({ code, answered }).toEqual({ code: 0, answered: 3 })
      expect(stderr).toContain('Confirmed.')
    })

    it('hides the words while it asks, and asks again for the one that was wrong', async () => {
      let asked = 0
      const wrongOnce = (word: string) => (++asked === 2 ? 'wrong' : word)
      const { stdout, stderr } = await createAndAnswer(wrongOnce)
      const numbers = [...stderr.matchAll(/Word (\d+): /g)].map((it) => it[1])
      expect(numbers[2]).toBe(numbers[1])
      expect(numbers).toHaveLength(4)
      expect(new Set(numbers).size).toBe(3)
      expect(stderr).toContain('Confirmed.')
      // Six lines of words, an empty one and the question.
      expect(stdout).toMatch(/\n\u001B\[8A\u001B\[J$/)
    })

    it('asks again after a wrong word, three times in all, and then only warns', async () => {
      const { code, stdout, stderr, answered } = await createAndAnswer(() => 'wrong')
      expect({ code, answered }).toEqual({ code: 0, answered: 3 })
      expect(stderr).toContain('Not confirmed.')
      // Whoever does not know them gets them back.
      expect(stdout.split('\u001B[J')[1]).toContain(` 1 ${words[0]}`)
    })

    it('warns when the input ends', async () => {
      const { code, stderr } = await createAndAnswer(() => undefined)
      expect(code).toBe(0)
      expect(stderr).toContain('Not confirmed.')
    })

    it('does not ask with --no-confirm', async () => {
      expect((await createAndAnswer(() => 'x', '--no-confirm')).answered).toBe(0)
    })

    it('does not ask with --json', async () => {
      expect((await createAndAnswer(() => 'x', '--json')).answered).toBe(0)
    })

    it('can be interrupted while it asks', async () => {
      const interrupt = new AbortController()
      const stderr = new Capture({ isTTY: true })
      const running = runCli(['create', 'Tide Tables'], {
        stdin: new Keyboard(),
        stderr,
        signal: interrupt.signal,
        operations: { listNewsletters: answer([]), createNewsletter: answer(created) },
      })
      await stderr.waitFor(/Word \d+: /)
      interrupt.abort()
      expect((await running).code).toBe(130)
    })
  })
})

describe('edit', () => {
  it('changes what is given, removes what is empty, and prints the profile', async () => {
    const seen: Input<'editNewsletter'>[] = []
    const editNewsletter = (input: Input<'editNewsletter'>) => {
      seen.push(input)
      const authors = [{ name: 'Ada' }]
      return Promise.resolve({ feedKey, changed: true, title: 'Tides', authors })
    }
    const argv = ['--title', 'Tides', '--description', '', '--website', 'https://t.example']
    const more = ['--author', 'Ada', '--support', 'Tea <https://t.example/tea>']
    const { stdout } = await runCli(['edit', 'tide', ...argv, ...more], {
      operations: { editNewsletter },
    })
    await runCli(['edit', 'tide', '--support', ''], { operations: { editNewsletter } })
    const authors = [{ name: 'Ada' }]
    const website = 'https://t.example'
    const support = [{ uri: 'https://t.example/tea', label: 'Tea' }]
    expect(seen).toEqual([
      { newsletter: 'tide', title: 'Tides', authors, website, support, remove: ['description'] },
      { newsletter: 'tide', remove: ['support'] },
    ])
    expect(stdout).toMatch(/^Changed “Tides”\.\n\ntitle +Tides\nauthors +Ada\n$/)
  })
})

describe('publish', () => {
  const inputs: Input<'publishIssue'>[] = []
  const publishIssue =
    (...events: Output<'publishIssue'>[]): Operations['publishIssue'] =>
    (input) => {
      inputs.length = 0
      inputs.push(input)
      return streamOf(events)()
    }

  it('publishes a file and names the next step without a daemon', async () => {
    const { code, stdout, stderr } = await runCli(['publish', 'tides.md', '--to', 'Tides'], {
      cwd: '/letters',
      operations: { publishIssue: publishIssue(published) },
    })
    expect(code).toBe(0)
    expect(stdout).toBe('Published issue 4, “Spring tides” with 2 attachments.\n')
    expect(stderr).toContain('hyperletter daemon start')
    expect(inputs).toEqual([{ newsletter: 'Tides', draft: { file: '/letters/tides.md' } }])
  })

  it('does not ask for a daemon that runs', async () => {
    const { stderr } = await runCli(['publish', 'tides.md'], {
      via: 'daemon',
      operations: { publishIssue: publishIssue(published) },
    })
    expect(stderr).not.toContain('daemon start')
  })

  it('tells warnings with their line', async () => {
    const warning = { message: 'No such image: tide.png', line: 7 }
    const operations = { publishIssue: publishIssue({ event: 'warning', warning }, published) }
    const human = await runCli(['publish', 'tides.md'], { operations })
    expect(human.stderr).toContain('warning: line 7: No such image: tide.png')
    const json = await runCli(['publish', 'tides.md', '--json'], { operations })
    expect(json.stderr).toBe('')
    expect(jsonOf(json.stdout)).toEqual({
      feedKey,
      number: 4,
      title: 'Spring tides',
      publishedAt: '2026-03-01T09:30:00Z',
      copies: 0,
      attachments: 2,
      warnings: [warning],
    })
  })

  it('shows with --dry-run what would be published', async () => {
    const planned = {
      feedKey,
      number: 7,
      title: 'Flood',
      publishedAt: '2019-03-04T10:30:00.000Z',
      dateFrom: 'head' as const,
      attachments: [{ name: 'map.png', sizeBytes: 2_000 }],
      sizeBytes: 2_500,
    }
    const warning = { message: 'The image "x.png" is missing: there is no such file.', line: 3 }
    const seen: Input<'publishIssue'>[] = []
    const rehearsed: Partial<Operations> = {
      publishIssue: (input) => {
        seen.push(input)
        return streamOf([
          { event: 'warning' as const, warning },
          { event: 'planned' as const, ...planned },
        ])()
      },
    }
    const run = (...args: string[]) =>
      runCli(['publish', 'flood.md', '--dry-run', ...args], { operations: rehearsed })
    const site = ['--site-root', '/site', '--site-url', 'https://tides.example/']
    const { stdout, stderr } = await run('--include', 'drafts,private', ...site)
    const draft = {
      include: ['drafts', 'private'],
      siteRoot: '/site',
      siteUrl: 'https://tides.example/',
    }
    expect(seen[0]).toMatchObject({ dryRun: true, draft })
    expect(stdout).toMatch(/^Would publish “Flood” as issue 7\. Nothing was published\.\n/)
    expect(stdout).toMatch(/date +2019-03-04 10:30 UTC, from its head\n/)
    expect(stdout).toMatch(/attachment +map\.png, 2\.0 kB\n/)
    expect(stderr).toContain('line 3: The image "x.png" is missing')
    const json = await run('--json')
    expect(jsonOf(json.stdout)).toStrictEqual({ ...planned, warnings: [warning] })
  })

  describe('on a terminal', () => {
    type Preview = Extract<Output<'previewDraft'>, { event: 'preview' }>
    const preview = (findings: Preview['findings'] = [], title = 'Flood'): Preview => ({
      event: 'preview',
      issue: {
        feedKey,
        newsletter: 'Tides',
        number: 7,
        title,
        editions: 1,
        verified: false,
        publishedAt: '2026-03-01T09:30:00Z',
        markdown: 'The sea.',
        attachments: [],
      },
      dateFrom: 'file',
      sizeBytes: 8,
      findings,
      revision: 0,
    })

    async function publishing(said: string, states: readonly Preview[], ...argv: string[]) {
      const stdin = new Keyboard()
      const stderr = new Capture({ isTTY: true })
      const answered = new Set<number>()
      stderr.on('text', (text: string) => {
        const asked = text.split('(yes/no)').length - 1
        if (asked > 0 && !answered.has(asked)) stdin.write(`${said}\n`)
        answered.add(asked)
      })
      const seen: Input<'publishIssue'>[] = []
      let looked = 0
      const { code } = await runCli(['publish', 'a.md', ...argv], {
        stdin,
        stderr,
        env: { PAGER: '' },
        operations: {
          previewDraft: () =>
            streamOf(states.slice(Math.min(looked++, states.length - 1)).slice(0, 1))(),
          publishIssue: (input) => {
            seen.push(input)
            return streamOf([published])()
          },
        },
      })
      return { code, seen, text: stderr.text }
    }

    it('shows the issue and what looks wrong, and publishes after a yes', async () => {
      const found = preview([{ kind: 'dead-link', message: 'A dead link.', line: 3 }])
      const yes = await publishing('yes', [found])
      expect(yes.text).toMatch(
        /Flood[^]*The sea\.[^]*line 3: A dead link\.[^]*as issue 7 of “Tides”\?/,
      )
      expect(yes).toMatchObject({ code: 0, seen: [{ draft: { file: '/somewhere/a.md' } }] })
      expect(await publishing('no', [found])).toMatchObject({ code: 1, seen: [] })
    })

    it('publishes what is refused otherwise after a yes, and without a question with --yes', async () => {
      const late = {
        kind: 'future-date',
        message: 'It is for later.',
        include: 'scheduled' as const,
      }
      const twice = { kind: 'duplicate', message: 'It is issue 3.', number: 3 }
      const yes = await publishing('y', [preview([late, twice])])
      expect(yes.text).toContain('Publish it all the same? (yes/no)')
      const draft = { file: '/somewhere/a.md', include: ['scheduled'] }
      expect(yes.seen).toEqual([{ draft, again: true }])
      const forced = await publishing('', [], '--yes')
      expect(forced.text).not.toContain('(yes/no)')
      expect(forced.seen).toEqual([{ draft, again: true }])
    })

    it('asks again where the file changed while it was shown', async () => {
      const { text, code } = await publishing('yes', [preview(), preview([], 'Ebb')])
      expect(text).toMatch(/Flood[^]*\(yes\/no\)[^]*It changed meanwhile\.[^]*Ebb[^]*\(yes\/no\)/)
      expect(code).toBe(0)
    })
  })

  describe('later', () => {
    const waits: Output<'listScheduled'>[number] = {
      id: 'a1b2',
      feedKey,
      newsletter: 'Tides',
      title: 'Spring tides',
      at: '2999-01-05T07:00:00.000Z',
      publishedAt: '2999-01-05T07:00:00.000Z',
      attachments: 0,
      sizeBytes: 9,
    }
    const scheduled: Output<'publishIssue'> = { event: 'scheduled', ...waits }

    it('takes a local time, with a date or without', async () => {
      const seen: Input<'publishIssue'>[] = []
      const operations = {
        publishIssue: (input: Input<'publishIssue'>) => {
          seen.push(input)
          return streamOf([scheduled])()
        },
      }
      const run = (at: string) => runCli(['publish', 'a.md', '--at', at, '--json'], { operations })
      const { code, stdout } = await run('2999-01-05 08:00')
      expect({ code, json: jsonOf(stdout) }).toEqual({ code: 0, json: waits })
      await run('08:15')
      await run('2999-01-05T08:00:00+02:00')
      const [dated, next, zoned] = seen.map((it) => it.at)
      expect(dated).toBe(new Date(2999, 0, 5, 8, 0).toISOString())
      const time = new Date(next ?? '')
      expect([time.getHours(), time.getMinutes()]).toEqual([8, 15])
      expect(time.getTime() - Date.now()).toBeLessThanOrEqual(24 * 3_600_000)
      expect(zoned).toBe('2999-01-05T06:00:00.000Z')
      expect((await run('some day')).code).toBe(2)
    })

    it('waits without a daemon for the time of a draft that is held, and takes it back when interrupted', async () => {
      const cancelled: unknown[] = []
      const interrupt = new AbortController()
      const stderr = new Capture()
      void stderr.waitFor(/Ctrl-C/).then(() => interrupt.abort())
      const services = { loadConfig: () => Promise.resolve({ ...someConfig, hold: 60 }) }
      const { code } = await runCli(['publish', 'a.md'], {
        stderr,
        services,
        signal: interrupt.signal,
        operations: {
          publishIssue: streamOf([scheduled]),
          cancelScheduled: (input) => {
            cancelled.push(input)
            return Promise.resolve(waits)
          },
        },
      })
      expect(code).toBe(130)
      expect(cancelled).toEqual([{ draft: 'a1b2' }])
      expect(stderr.text).toContain('Took back “Spring tides”. It was not published.')
      const daemon = { via: 'daemon' as const, services }
      const operations = { publishIssue: streamOf([scheduled]) }
      expect(await runCli(['publish', 'a.md'], { ...daemon, operations })).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Will publish “Spring tides” on /) as string,
      })
    })

    it('lists what waits and what became of it, and takes back what is named', async () => {
      const done = { ...waits, id: 'c3', published: { number: 4, at: waits.at } }
      const failed = { ...waits, id: 'd4', problem: { code: 'DISK_FULL', message: 'Disk full.' } }
      const listScheduled = answer([waits, done, failed])
      const { stdout } = await runCli(['scheduled'], { operations: { listScheduled } })
      expect(stdout).toMatch(/a1b2 .*in \d+ d[^]*c3 .*published as issue 4[^]*d4 .*Disk full\./)
      const seen: unknown[] = []
      const cancelScheduled = (input: unknown) => {
        seen.push(input)
        return Promise.resolve(waits)
      }
      await runCli(['cancel'], { operations: { cancelScheduled } })
      await runCli(['cancel', 'spring'], { operations: { cancelScheduled } })
      expect(seen).toEqual([{}, { draft: 'spring' }])
    })
  })

  it('waits for copies', async () => {
    const { code, stdout } = await runCli(['publish', 'a.md', '--wait-copies', '2', '--json'], {
      operations: {
        publishIssue: publishIssue(
          published,
          { event: 'copies', copies: 1, peers: 2 },
          { event: 'copies', copies: 2, peers: 2 },
        ),
      },
    })
    expect(code).toBe(0)
    expect(jsonOf(stdout)).toMatchObject({ copies: 2 })
    expect(inputs).toMatchObject([{ waitCopies: 2 }])
  })

  it.each([
    ['fails with TIMEOUT', new HyperletterError('TIMEOUT', 'Too late.')],
    ['just ends', undefined],
  ])('prints the issue and ends with 3 when the wait for copies %s', async (_, error) => {
    const { code, stdout, stderr } = await runCli(
      ['publish', 'a.md', '--wait-copies', '3', '--timeout', '1', '--json'],
      {
        operations: {
          publishIssue: streamOf([published, { event: 'copies', copies: 1, peers: 1 }], error),
        },
      },
    )
    expect(code).toBe(3)
    expect(jsonOf(stdout)).toMatchObject({ number: 4, copies: 1 })
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'TIMEOUT' } })
  })

  it('prints the issue and ends with 130 when interrupted after publishing', async () => {
    const interrupt = new AbortController()
    const { code, stdout } = await runCli(['publish', 'a.md', '--wait-copies', '3'], {
      signal: interrupt.signal,
      operations: {
        async *publishIssue() {
          yield await Promise.resolve(published)
          interrupt.abort()
          throw new HyperletterError('ABORTED', 'Interrupted.')
        },
      },
    })
    expect(code).toBe(130)
    expect(stdout).toContain('Published issue 4')
  })

  it('prints nothing when the draft is refused', async () => {
    const refused = new HyperletterError('INVALID_DRAFT', 'The draft is empty.')
    const { code, stdout, stderr } = await runCli(['publish', 'a.md'], {
      operations: { publishIssue: streamOf<Output<'publishIssue'>>([], refused) },
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('The draft is empty.')
  })

  describe('from standard input', () => {
    const publishText = (chunks: readonly (Buffer | string)[]) => {
      inputs.length = 0
      return runCli(['publish', '-', '--json'], {
        cwd: '/letters',
        stdin: Readable.from(chunks, { objectMode: false }),
        operations: { publishIssue: publishIssue(published) },
      })
    }

    it('passes the text on, whole characters only', async () => {
      const bytes = Buffer.from('# Flut 🌊\n')
      const { code } = await publishText([bytes.subarray(0, 8), bytes.subarray(8)])
      expect(code).toBe(0)
      expect(inputs).toEqual([{ draft: { markdown: '# Flut 🌊\n', folder: '/letters' } }])
    })

    it('refuses what is not UTF-8', async () => {
      const { code, stderr, opened } = await publishText([Buffer.from([0x23, 0x20, 0xff, 0xfe])])
      expect({ code, opened }).toEqual({ code: 1, opened: 0 })
      expect(jsonOf(stderr)).toMatchObject({ error: { code: 'INVALID_DRAFT' } })
    })

    it('refuses more than an issue may hold without reading on', async () => {
      let read = 0
      function* endless() {
        for (;;) {
          read++
          yield Buffer.alloc(64 * 1024, 'a')
        }
      }
      const stdin = Readable.from(endless(), { objectMode: false })
      const { code, stderr } = await runCli(['publish', '-', '--json'], { stdin })
      expect(code).toBe(1)
      expect(jsonOf(stderr)).toMatchObject({ error: { code: 'TOO_LARGE' } })
      expect(read).toBeLessThan(50)
    })

    it('can be interrupted while it waits for the text', async () => {
      const interrupt = new AbortController()
      const stdin = new Keyboard()
      const stderr = new Capture()
      const running = runCli(['publish', '-'], { stdin, stderr, signal: interrupt.signal })
      await stderr.waitFor(/Ctrl-D/)
      interrupt.abort()
      expect((await running).code).toBe(130)
    })
  })
})

describe('import', () => {
  const skipped = [
    { event: 'skipped' as const, file: 'empty.md', code: 'INVALID_DRAFT', message: 'It is empty.' },
    { event: 'skipped' as const, file: 'secret.md', code: 'INVALID_DRAFT', message: 'No access.' },
  ]
  const finished = { event: 'finished' as const, feedKey, title: 'Tides', published: 2 }
  const warning = {
    event: 'warning' as const,
    file: 'a.md',
    warning: { message: 'No such image: x.png', line: 3 },
  }
  const progress = { event: 'progress' as const, done: 1, total: 4, file: 'a.md' }
  const operations = { importFolder: streamOf([progress, warning, ...skipped, finished]) }

  it('says how many were published and lists what was skipped and why', async () => {
    const { code, stdout, stderr } = await runCli(['import', 'letters'], { operations })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Published 2 issues in “Tides”\.\n/)
    expect(stdout).toMatch(/empty\.md +It is empty\./)
    expect(stdout).toMatch(/secret\.md +No access\./)
    expect(stderr).toContain('1 warning in 1 file')
  })

  it('lists warnings with --verbose', async () => {
    const { stderr } = await runCli(['import', 'letters', '--verbose'], { operations })
    expect(stderr).toContain('warning: a.md:3: No such image: x.png')
  })

  it('prints all of it as JSON', async () => {
    const { stdout, stderr } = await runCli(['import', 'letters', '--json'], { operations })
    expect(stderr).toBe('')
    expect(jsonOf(stdout)).toEqual({
      feedKey,
      published: 2,
      title: 'Tides',
      skipped: skipped.map(({ file, code, message }) => ({ file, code, message })),
      warnings: [{ file: 'a.md', warning: { message: 'No such image: x.png', line: 3 } }],
    })
  })

  it('shows with --dry-run what would be published, in its order', async () => {
    const planned = {
      event: 'planned' as const,
      file: '2019/flood.md',
      number: 7,
      title: 'Flood',
      publishedAt: '2019-03-04T00:00:00.000Z',
      dateFrom: 'name' as const,
      attachments: [{ name: 'map.png', sizeBytes: 2_000 }],
      sizeBytes: 2_500,
    }
    let given: unknown
    const rehearsed = {
      importFolder: (input: unknown) => {
        given = input
        const undated = { ...planned, number: 8, dateFrom: 'file' as const }
        return streamOf([planned, undated, ...skipped, { ...finished, published: 0 }])()
      },
    }
    const { stdout, stderr } = await runCli(
      ['import', 'letters', '--dry-run', '--undated', 'names'],
      { operations: rehearsed },
    )
    expect(given).toMatchObject({ dryRun: true, undated: 'names' })
    expect(stdout).toMatch(/1 post has no date[^]*--undated git[^]*--undated skip/)
    expect(stdout).toMatch(
      /^Would publish 2 issues, 5\.0 kB, in “Tides”\. Nothing was published\.\n/,
    )
    expect(stdout).toMatch(/7 +2019-03-04 +name +1 +2\.5 kB +Flood +2019\/flood\.md/)
    expect(stdout).toMatch(/secret\.md +No access\./)
    expect(stderr).toContain('without --dry-run')

    const json = await runCli(['import', 'letters', '--dry-run', '--json'], {
      operations: rehearsed,
    })
    const { event: _, ...shown } = planned
    expect(jsonOf(json.stdout)).toMatchObject({
      published: 0,
      planned: [shown, { dateFrom: 'file' }],
    })
  })

  it('shows refused posts first, and counts other files apart', async () => {
    const reasons = ['not a Markdown file', 'already published as issue 7', 'No date.']
    const found = reasons.map((message, at) => ({
      event: 'skipped' as const,
      file: `${at}.md`,
      code: at === 1 ? 'INVALID_INPUT' : 'INVALID_DRAFT',
      message,
      ...(at === 0 ? { other: true as const } : {}),
    }))
    const { stdout } = await runCli(['import', 'letters'], {
      operations: { importFolder: streamOf([...found, finished]) },
    })
    expect(stdout).toMatch(/1 post refused:\n\n.*\n2\.md/)
    expect(stdout).toMatch(
      /No date\.[^]*1 post published before:[^]*issue 7[^]*1 other file skipped/,
    )
  })

  it('counts very many posts by reason', async () => {
    const found = Array.from({ length: 150_000 }, (_, at) => ({
      event: 'skipped' as const,
      file: `${at}.md`,
      code: 'INVALID_INPUT',
      message: `already published as issue ${at + 1}`,
    }))
    const { stdout } = await runCli(['import', 'letters'], {
      operations: { importFolder: streamOf([...found, finished]) },
    })
    expect(stdout).toMatch(/150000 +already published as issue 1 +0\.md/)

    const json = await runCli(['import', 'letters', '--json'], {
      operations: { importFolder: streamOf([...found, finished]) },
    })
    const shown = found.map(({ file, code, message }) => ({ file, code, message }))
    expect(jsonOf(json.stdout)).toMatchObject({ skipped: shown, warnings: [] })
  })

  describe('on a terminal', () => {
    const planned = {
      event: 'planned' as const,
      file: 'flood.md',
      number: 1,
      title: 'Flood',
      publishedAt: '2019-03-04T00:00:00.000Z',
      dateFrom: 'name' as const,
      attachments: [],
      sizeBytes: 500,
    }

    async function runAnswering(said: string, ...args: readonly string[]) {
      const seen: Input<'importFolder'>[] = []
      const stdin = new Keyboard()
      const stdout = new Capture({ isTTY: true })
      const stderr = new Capture({ isTTY: true })
      void stderr.waitFor(/\(yes\/no\)/).then(() => stdin.write(`${said}\n`))
      const result = await runCli(['import', 'letters', ...args], {
        stdin,
        stdout,
        stderr,
        operations: {
          importFolder: (input) => {
            seen.push(input)
            return streamOf(input.dryRun === true ? [planned, finished] : [finished])()
          },
        },
      })
      return { ...result, dryRuns: seen.map((it) => it.dryRun === true) }
    }

    it('shows what it would publish, and publishes after a yes', async () => {
      const { code, stdout, stderr, dryRuns } = await runAnswering('yes')
      expect(stdout).toMatch(/Would publish 1 issue[^]*flood\.md[^]*Published 2 issues/)
      expect(stderr).toContain('cannot be withdrawn')
      expect({ code, dryRuns }).toStrictEqual({ code: 0, dryRuns: [true, false] })
    })

    it('publishes nothing after any other answer', async () => {
      const { code, stderr, dryRuns } = await runAnswering('')
      expect(stderr).toContain('Nothing was published.')
      expect({ code, dryRuns }).toStrictEqual({ code: 1, dryRuns: [true] })
    })

    it('does not ask with --yes or --json', async () => {
      expect((await runAnswering('', '--yes')).dryRuns).toStrictEqual([false])
      expect((await runAnswering('', '--json')).dryRuns).toStrictEqual([false])
    })
  })

  it('groups a long list of skipped files by reason', async () => {
    const many = Array.from({ length: 30 }, (_, i) => ({
      event: 'skipped' as const,
      file: `${i}.md`,
      code: i < 10 ? 'TOO_LARGE' : 'INVALID_DRAFT',
      message: i % 2 === 0 ? 'Why.' : `Line ${i}: Why.`,
    }))
    const { stdout, stderr } = await runCli(['import', 'letters'], {
      operations: { importFolder: streamOf([...many, finished]) },
    })
    expect(stdout).toMatch(/10 +Why\. +0\.md/)
    expect(stdout).toMatch(/20 +Why\. +10\.md/)
    expect(stderr).toContain('--json')
  })

  it('passes on the absolute folder, the newsletter and the pattern', async () => {
    const seen: Input<'importFolder'>[] = []
    const globs = ['--match', '*.md', '--exclude', 'a*', '--exclude', 'b/**']
    await runCli(['import', 'letters', '--to', 'Tides', ...globs], {
      cwd: '/home/ada',
      operations: {
        importFolder: (input) => {
          seen.push(input)
          return streamOf([finished])()
        },
      },
    })
    const match = { match: '*.md', exclude: ['a*', 'b/**'] }
    expect(seen).toEqual([{ folder: '/home/ada/letters', newsletter: 'Tides', ...match }])
  })
})
