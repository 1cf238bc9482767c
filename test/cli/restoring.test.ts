import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import type { Input, Operations, Output } from '../../src/api/contract/contract.ts'
import { answer, Capture, jsonOf, Keyboard, runCli, streamOf } from '../helpers/cli.ts'

const feedKey = 'y'.repeat(52)
const phrase = Array.from({ length: 24 }, () => 'abandon').join(' ')

const finished: Extract<Output<'restoreNewsletter'>, { event: 'finished' }> = {
  event: 'finished',
  feedKey,
  link: `hyperletter://${feedKey}`,
  title: 'Tide Tables',
  issues: 20,
  peers: 2,
}

/** A restore that ends well, and what it was asked for. */
function restoring(peers = 2) {
  const inputs: Input<'restoreNewsletter'>[] = []
  const restoreNewsletter: Operations['restoreNewsletter'] = (input) => {
    inputs.push(input)
    const progress = { event: 'progress' as const, heldBlocks: 1, length: 9, peers }
    return streamOf([progress, { ...finished, peers }])()
  }
  return { inputs, operations: { restoreNewsletter } }
}

const typed = () => Readable.from([`${phrase}\n`])

describe('restore', () => {
  it('takes the phrase from standard input and says what is restored', async () => {
    const { inputs, operations } = restoring()
    const { code, stdout, stderr } = await runCli(['restore'], { operations, stdin: typed() })
    expect(code).toBe(0)
    expect(inputs).toEqual([{ recoveryPhrase: phrase }])
    expect(stdout).toContain('20 issues, confirmed by 2 readers')
    expect(stdout).toContain(finished.link)
    expect(stderr).toContain('next: hyperletter publish <file.md> --to yyyyyyyy')
    expect(stdout + stderr).not.toContain('abandon')
  })

  it('asks for the phrase on a terminal', async () => {
    const { inputs, operations } = restoring()
    const stdin = new Keyboard()
    const stderr = new Capture({ isTTY: true })
    const running = runCli(['restore'], { operations, stdin, stderr })
    await stderr.waitFor(/Words: $/)
    stdin.write(`${phrase}\n`)
    expect((await running).code).toBe(0)
    expect(inputs).toEqual([{ recoveryPhrase: phrase }])
  })

  it('passes on a backup, a deadline and --force, and warns if nobody was asked', async () => {
    const { inputs, operations } = restoring(0)
    const argv = ['restore', '--bundle', 'tides.bundle', '--timeout', '5', '--force']
    const { stderr } = await runCli(argv, { operations, stdin: typed(), cwd: '/backups' })
    expect(inputs).toEqual([
      {
        recoveryPhrase: phrase,
        bundle: '/backups/tides.bundle',
        timeoutSeconds: 5,
        force: true,
      },
    ])
    expect(stderr).toContain('No reader was online.')
  })

  it('prints exactly the result with --json', async () => {
    const { operations } = restoring()
    const { stdout } = await runCli(['restore', '--json'], { operations, stdin: typed() })
    const { event: _, ...result } = finished
    expect(jsonOf(stdout)).toEqual(result)
  })

  it('takes no phrase from an argument', async () => {
    const { inputs, operations } = restoring()
    const argv = ['restore', ...phrase.split(' ')]
    const { code, stderr } = await runCli(argv, { operations, stdin: typed() })
    expect(code).toBe(2)
    expect(inputs).toEqual([])
    expect(stderr).not.toContain('abandon')
  })

  it('ends with exit code 3 where nobody is reachable', async () => {
    const error = new HyperletterError('FEED_BEHIND', 'Nobody sent them.')
    const operations = { restoreNewsletter: streamOf<Output<'restoreNewsletter'>>([], error) }
    const { code, stderr } = await runCli(['restore'], { operations, stdin: typed() })
    expect(code).toBe(3)
    expect(stderr).toContain('Nobody sent them.')
  })

  it('refuses to go on without words', async () => {
    const { operations } = restoring()
    expect((await runCli(['restore'], { operations })).code).toBe(2)
  })
})

describe('repair', () => {
  const repaired = { feedKey, forked: true, length: 7, peers: 2, removed: [] }

  it('says which issues are gone, so that they can be published again', async () => {
    const removed = [{ number: 4, title: 'Rash\u001b[31m' }]
    const { stdout, stderr } = await runCli(['repair', 'Tides'], {
      operations: { repairNewsletter: answer({ ...repaired, removed }) },
    })
    expect(stdout).toContain('Repaired yyyyyyyy')
    expect(stdout).toMatch(/4 .*Rash/)
    expect(stdout).not.toContain('\u001b')
    expect(stderr).toContain('next: hyperletter publish')
  })

  it('says so where there is nothing to repair', async () => {
    const { stdout } = await runCli(['repair', 'Tides'], {
      operations: { repairNewsletter: answer({ ...repaired, forked: false }) },
    })
    expect(stdout).toContain('Nothing to repair')
  })

  it('prints exactly the result with --json, and passes on the deadline', async () => {
    const inputs: Input<'repairNewsletter'>[] = []
    const { stdout } = await runCli(['repair', 'Tides', '--timeout', '9', '--json'], {
      operations: {
        repairNewsletter: (input) => {
          inputs.push(input)
          return Promise.resolve(repaired)
        },
      },
    })
    expect(jsonOf(stdout)).toEqual(repaired)
    expect(inputs).toEqual([{ newsletter: 'Tides', timeoutSeconds: 9 }])
  })
})

describe('--force', () => {
  it('is passed on by publish and import, and explained in their help', async () => {
    const seen: unknown[] = []
    const operations: Partial<Operations> = {
      publishIssue: (input) => {
        seen.push(input.force)
        return streamOf([
          {
            event: 'published' as const,
            feedKey,
            number: 1,
            title: 'One',
            publishedAt: '',
            attachments: 0,
            copies: 1,
          },
        ])()
      },
      importFolder: (input) => {
        seen.push(input.force)
        return streamOf([{ event: 'finished' as const, feedKey, title: 'T', published: 1 }])()
      },
    }
    await runCli(['publish', 'one.md', '--force'], { operations })
    await runCli(['import', 'drafts', '--force'], { operations })
    await runCli(['publish', 'one.md'], { operations })
    expect(seen).toEqual([true, true, undefined])
    for (const command of ['publish', 'import', 'restore']) {
      expect((await runCli([command, '--help'])).stdout).toMatch(/--force[^]*forks/)
    }
  })
})
