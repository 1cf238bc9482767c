import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import type { Output } from '../../src/api/contract/contract.ts'
import { packageVersion } from '../../src/version.ts'
import { answer, jsonOf, runCli, type RunOptions } from '../helpers/cli.ts'

const well: Output<'diagnose'> = {
  publicKey: 'ab'.repeat(32),
  checks: [{ name: 'DHT', state: 'ok', message: 'Six nodes answered.' }],
}

const ill: Output<'diagnose'> = {
  ...well,
  checks: [
    { name: 'DHT', state: 'failed', message: 'Nobody answers.', next: 'Look at the cable.' },
  ],
}

const running = {
  running: true,
  pid: 7,
  version: packageVersion(),
  socket: '/data/daemon.sock',
  uptimeSeconds: 3,
}

const doctor = (diagnosis: Output<'diagnose'>, options: RunOptions = {}, ...argv: string[]) =>
  runCli(['doctor', ...argv], {
    operations: { diagnose: answer(diagnosis) },
    ...options,
    services: { daemonStatus: answer(running), ...options.services },
  })

describe('doctor', () => {
  it('shows what is well, and the key of this device', async () => {
    const { code, stdout } = await doctor(well)
    expect(code).toBe(0)
    expect(stdout).toContain('✓  DHT')
    expect(stdout).toContain(well.publicKey)
    expect(stdout).not.toMatch(/[✗!] {2}/)
  })

  it('ends with 1 if something failed, and says what to do', async () => {
    const { code, stdout, stderr } = await doctor(ill)
    expect(code).toBe(1)
    expect(stdout).toContain('✗  DHT')
    expect(stderr).toContain('DHT: Look at the cable.')
  })

  it('gives all of it as JSON', async () => {
    const { code, stdout } = await doctor(ill, {}, '--json')
    expect(code).toBe(1)
    expect(jsonOf(stdout)).toMatchObject({
      ok: false,
      publicKey: well.publicKey,
      checks: expect.arrayContaining([...ill.checks]) as unknown,
    })
  })

  it.each([
    ['no daemon', { running: false, socket: '/data/daemon.sock' }],
    ['a daemon of another version', { ...running, version: '0.0.1' }],
  ])('warns of %s', async (_what, found) => {
    const services = { daemonStatus: answer(found) }
    const { code, stdout, stderr } = await doctor(well, { services })
    expect(code).toBe(0)
    expect(stdout).toContain('!  daemon')
    expect(stderr).toContain('hyperletter daemon')
  })

  it('looks at what it can where the configuration is wrong', async () => {
    const wrong = new HyperletterError('INVALID_INPUT', 'config.toml, line 3: no such setting.')
    const services = { loadConfig: () => Promise.reject(wrong) }
    const { code, stdout, opened } = await doctor(well, { services })
    expect(code).toBe(1)
    expect(stdout).toContain('line 3')
    expect(opened).toBe(0)
  })

  it('looks at what it can where the data cannot be opened', async () => {
    const busy = new HyperletterError('STORE_BUSY', 'Another process has it.')
    const services = { connect: () => Promise.reject(busy) }
    const { code, stdout, stderr } = await doctor(well, { services })
    expect(code).toBe(1)
    expect(stdout).toContain('✗  data')
    expect(stderr).toContain('next:')
  })
})

describe('why', () => {
  const explained: Output<'explainNewsletter'> = {
    feedKey: 'y'.repeat(52),
    title: 'Tide tables\u001b[31m',
    complete: false,
    heldBlocks: 3,
    length: 9,
    peers: 1,
    reasons: [
      { code: 'nobody-holds', message: 'Nobody holds blocks 3 to 8.', next: 'Wait.' },
      { code: 'retracted', message: 'Two were taken back.' },
    ],
  }
  const operations = { explainNewsletter: answer(explained) }

  it('says why a newsletter is not complete, and what to do', async () => {
    const { code, stdout, stderr } = await runCli(['why', 'tide'], { operations })
    expect(code).toBe(0)
    expect(stdout).toContain('“Tide tables”: not complete (3 of 9 blocks, 1 peer connected)')
    expect(stdout).toContain('Nobody holds blocks 3 to 8.')
    expect(stdout).not.toContain('\u001b')
    expect(stderr).toContain('next: Wait.')
  })

  it('gives the reasons as JSON', async () => {
    const { stdout } = await runCli(['why', 'tide', '--json'], { operations })
    expect(jsonOf(stdout)).toMatchObject({ complete: false, reasons: explained.reasons })
  })
})
