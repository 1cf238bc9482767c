import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../src/config/settings.ts'
import { runCli } from '../helpers/cli.ts'

const page = async () => {
  const { code, stdout } = await runCli(['man'], { env: { SOURCE_DATE_EPOCH: '1774000000' } })
  expect(code).toBe(0)
  return stdout
}

const absent = (program: string, ...args: readonly string[]) => {
  try {
    execFileSync(program, args, { stdio: 'ignore', input: '' })
    return undefined
  } catch {
    return `Checking the page needs ${program}.`
  }
}
const NO_MANDOC = absent('mandoc')
const NO_GROFF = absent('groff', '--version')

describe('the manual page', () => {
  it('names every command, those of groups too, and every setting', async () => {
    const roff = await page()
    for (const command of ['create', 'daemon start', 'daemon logs', 'config show', 'dht']) {
      expect(roff).toContain(`\n\\fB${command}\\fR`)
    }
    for (const [name, { variable }] of Object.entries(SETTINGS)) {
      expect(roff).toContain(`\n\\fB${name}\\fR, `)
      expect(roff).toContain(`\\fB${variable}\\fR\n`)
    }
    expect(roff).not.toContain('complete \\fI')
  })

  it('is the same whenever it is made of the same source', async () => {
    const roff = await page()
    expect(roff).toContain('.TH HYPERLETTER 1 2026-03-20 ')
    expect(await page()).toBe(roff)
  })

  it('has nothing that a program for manuals might take for something else', async () => {
    const roff = await page()
    expect(roff).toMatch(/^[\n\u0020-\u007e]*$/)
    const requests = new Set(roff.match(/^[.'].\S*/gm))
    const known = '.\\" .TH .SH .SS .TP .PP .IP .RS .RE .EX .EE .B .I .BR .RI'.split(' ')
    expect(known).toEqual(expect.arrayContaining([...requests]))
  })

  it('is one that mandoc has no complaint about', async ({ skip }) => {
    skip(NO_MANDOC !== undefined, NO_MANDOC)
    const { stdout, stderr, status } = spawnSync('mandoc', ['-T', 'lint'], {
      input: await page(),
      encoding: 'utf8',
    })
    // Lines of examples are as long as they are.
    const complaints = stdout.split('\n').filter((it) => it !== '' && !it.includes('longer than'))
    expect({ complaints, stderr, isBad: (status ?? 9) > 1 }).toEqual({
      complaints: [],
      stderr: '',
      isBad: false,
    })
  })

  it('is one that groff has no warning about', async ({ skip }) => {
    skip(NO_GROFF !== undefined, NO_GROFF)
    const { stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z'], {
      input: await page(),
      encoding: 'utf8',
    })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  })
})
