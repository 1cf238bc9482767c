import { describe, expect, it } from 'vitest'
import type { Input, Output } from '../../src/api/contract/contract.ts'
import { HyperletterError } from '../../src/errors.ts'
import { answer, jsonOf, runCli, streamOf } from '../helpers/cli.ts'

type Newsletter = Output<'listNewsletters'>[number]

const tides: Newsletter = {
  feedKey: `ybndrfg8${'y'.repeat(44)}`,
  link: `hyperletter://ybndrfg8${'y'.repeat(44)}`,
  title: 'Tide Tables',
  roles: ['subscriber'],
  issues: 3,
  unread: 0,
  private: false,
}
const storms: Newsletter = { ...tides, feedKey: 'o'.repeat(52), title: 'Storms', issues: 0 }
const own: Newsletter = { ...tides, feedKey: 'n'.repeat(52), title: 'Mine', roles: ['author'] }

/** A library in which two issues of `tides` arrive, and what was asked of it. */
function library(failures: Record<string, HyperletterError> = {}) {
  const asked: Input<'followSync'>[] = []
  const lists = [
    [tides, storms, own],
    [{ ...tides, issues: 5 }, storms, own],
  ]
  const operations = {
    listNewsletters: () => Promise.resolve(lists.shift() ?? []),
    followSync: (input: Input<'followSync'>) => {
      asked.push(input)
      const progress = { event: 'progress' as const, heldBlocks: 1, length: 1, peers: 1 }
      return streamOf([progress], failures[input.newsletter])()
    },
  }
  return { asked, operations }
}

const nobody = new HyperletterError('NOT_AVAILABLE', 'Nobody answered.')

describe('fetch', () => {
  it('asks for what is new of all that is followed, says it, and ends', async () => {
    const { asked, operations } = library()
    const { code, stdout } = await runCli(['fetch'], { operations })
    expect(code).toBe(0)
    expect(stdout).toBe('“Tide Tables”: 2 new issues.\n')
    expect(asked).toEqual([tides, storms].map((it) => ({ newsletter: it.feedKey, refresh: true })))
  })

  it('asks for one, for as long as it is told', async () => {
    const { asked, operations } = library()
    const { code, stderr } = await runCli(['fetch', 'stor', '--timeout', '5'], { operations })
    expect(code).toBe(0)
    expect(stderr).toBe('Nothing new.\n')
    expect(asked).toEqual([{ newsletter: storms.feedKey, refresh: true, timeoutSeconds: 5 }])
  })

  it('ends with 3 where nobody answers for one, and still says what is new', async () => {
    const { code, stdout, stderr } = await runCli(['fetch', '--quiet'], {
      operations: library({ [storms.feedKey]: nobody }).operations,
    })
    expect(code).toBe(3)
    expect(stdout).toBe('“Tide Tables”: 2 new issues.\n')
    expect(stderr).toContain('Not complete: “Storms”. Nobody answered.')
  })

  it('ends with 1 where another failure is among them', async () => {
    const full = new HyperletterError('DISK_FULL', 'The disk is full.')
    const failures = { [tides.feedKey]: nobody, [storms.feedKey]: full }
    const { code, stderr } = await runCli(['fetch'], { operations: library(failures).operations })
    expect(code).toBe(1)
    expect(stderr).toContain('Not complete: “Tide Tables”, “Storms”. The disk is full.')
  })

  it('prints one document with --json', async () => {
    const { operations } = library({ [storms.feedKey]: nobody })
    const { code, stdout } = await runCli(['fetch', '--json'], { operations })
    expect(code).toBe(3)
    expect(jsonOf(stdout)).toEqual({
      newsletters: [
        { feedKey: tides.feedKey, title: 'Tide Tables', issues: 5, newIssues: 2 },
        {
          feedKey: storms.feedKey,
          title: 'Storms',
          issues: 0,
          newIssues: 0,
          error: { code: 'NOT_AVAILABLE', message: 'Nobody answered.' },
        },
      ],
    })
  })

  it('ends with 1 for one that is not followed, and with 0 where nothing is', async () => {
    const operations = { listNewsletters: answer([own]) }
    expect((await runCli(['fetch', 'Mine'], { operations })).code).toBe(1)
    expect((await runCli(['fetch'], { operations })).code).toBe(0)
  })
})
