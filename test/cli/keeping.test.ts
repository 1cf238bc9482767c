import { describe, expect, it } from 'vitest'
import type { Keep } from '../../src/config/keep.ts'
import type { Output } from '../../src/api/contract/contract.ts'
import { jsonOf, runCli } from '../helpers/cli.ts'

const feedKey = `ybndrfg8${'y'.repeat(44)}`

/** `keep` with these arguments, and what it asked for. */
async function runKeep(...args: string[]) {
  const asked: { newsletter: string; keep?: Keep | undefined }[] = []
  const result = await runCli(['keep', 'Tides', ...args], {
    operations: {
      keepNewsletter: async (input) => {
        asked.push(input)
        const answer: Output<'keepNewsletter'> = {
          feedKey,
          title: 'Tide Tables',
          keep: input.keep ?? { newest: 3 },
          issues: 10,
          leftOut: 7,
        }
        return answer
      },
    },
  })
  return { ...result, asked }
}

describe('keep', () => {
  it.each<[string[], Keep | undefined]>([
    [[], undefined],
    [['--everything'], {}],
    [['--at-most', 'none'], {}],
    [['--newest', '5'], { newest: 5 }],
    [['--newer-than', '90D'], { newerThan: '90d' }],
    [['--at-most', '1.5 GB'], { atMostBytes: 1_500_000_000 }],
    [['--text-only', '--newest', '2'], { newest: 2, textOnly: true }],
  ])('%j asks for %j', async (args, wanted) => {
    const { asked, code } = await runKeep(...args)
    expect(code).toBe(0)
    const keep = wanted === undefined ? {} : { keep: wanted }
    expect(asked).toStrictEqual([{ newsletter: 'Tides', ...keep }])
  })

  it.each([
    [['--newest', '0']],
    [['--newer-than', 'yesterday']],
    [['--at-most', 'much']],
    [['--everything', '--newest', '2']],
    [['--colour']],
  ])('%j is wrong usage, and changes nothing', async (args) => {
    const { asked, code, stdout } = await runKeep(...args)
    expect(code).toBe(2)
    expect(asked).toEqual([])
    expect(stdout).toBe('')
  })

  it('says what is kept, and what can be read while a peer has it', async () => {
    const human = await runKeep()
    expect(human.stdout).toBe(
      '“Tide Tables”: keeping the newest 3 issues. 7 issues of 10 can be read while a peer has them.\n',
    )
    const all = await runKeep('--newer-than', '1y', '--at-most', '5MB', '--text-only')
    expect(all.stdout).toContain(
      'issues newer than 1y, and at most 5.0 MB, and text without attachments',
    )
    const json = await runKeep('--newest', '2', '--json')
    expect(jsonOf(json.stdout)).toEqual({
      feedKey,
      title: 'Tide Tables',
      keep: { newest: 2 },
      issues: 10,
      leftOut: 7,
    })
  })
})
