import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Capture, runCli, someConfig } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const LINES = [
  '{"level":30,"time":"2026-03-20T10:00:00.000Z","feed":"ybndrfg8","msg":"connected"}',
  '{"level":50,"time":"2026-03-20T10:00:01.000Z","err":{"message":"no \\u001b[31mspace","stack":"x"},"msg":"failed"}',
  '{"error":{"code":"STORE_BUSY","message":"In use."}}',
  'a plain \u001b[2Jline of something else',
]

async function services(text: string) {
  const logFile = join(await temporaryDirectory(), 'daemon.log')
  await writeFile(logFile, text)
  return { logFile, loadConfig: () => Promise.resolve({ ...someConfig, logFile }) }
}

describe('daemon logs', () => {
  it('shows lines that people can read, without control characters', async () => {
    const given = await services(`${LINES.join('\n')}\n`)
    const { code, stdout } = await runCli(['daemon', 'logs'], { services: given })
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^2026-03-\d\d \d\d:\d\d:\d\d info {2}connected feed=ybndrfg8$/)
    expect(lines[1]).toMatch(/ error failed err=no space$/)
    expect(lines[2]).toBe('error In use.')
    expect(lines[3]).toContain('line of something else')
    expect(stdout).not.toContain('\u001b')
  })

  it('is raw with --json, and only as long as asked for', async () => {
    const given = await services(`${LINES.join('\n')}\n`)
    const { stdout } = await runCli(['daemon', 'logs', '--json', '--lines', '3'], {
      services: given,
    })
    expect(stdout).toBe(`${LINES.slice(1).join('\n')}\n`)
  })

  it('goes on with --follow until it is interrupted', async () => {
    const given = await services(`${LINES[0]}\n`)
    const stdout = new Capture()
    const end = new AbortController()
    const argv = ['daemon', 'logs', '--follow', '--json']
    const running = runCli(argv, { services: given, stdout, signal: end.signal })
    await stdout.waitFor(/connected/)
    await appendFile(given.logFile, `${LINES[2]}\n`)
    await stdout.waitFor(/STORE_BUSY/)
    end.abort()
    expect((await running).code).toBe(0)
  })

  it('says where else to look when there is none', async () => {
    const { code, stdout, stderr } = await runCli(['daemon', 'logs'], {
      services: await services(''),
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain('journalctl')
  })
})
