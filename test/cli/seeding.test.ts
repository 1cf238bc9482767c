import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { DaemonStatus } from '../../src/daemon/spawn.ts'
import { HyperletterError } from '../../src/errors.ts'
import type { Input, Output } from '../../src/api/contract/contract.ts'
import { answer, Capture, jsonOf, runCli, someConfig } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const feedKey = `ybndrfg8${'y'.repeat(44)}`

const newsletter: Output<'status'>['newsletters'][number] = {
  feedKey,
  title: 'Tide Tables',
  roles: ['author'],
  issues: 3,
  heldBlocks: 12,
  length: 12,
  peers: 2,
  fullCopies: 1,
  newestCopies: 2,
  olderCopies: 1,
  uploadedBytes: 1_234_567,
  downloadedBytes: 0,
  keep: {},
  leftOut: 0,
  tooLarge: [],
}

const status: Output<'status'> = {
  via: 'daemon',
  online: true,
  peers: 2,
  localPeers: 1,
  dataDir: '/data',
  bytesOnDisk: 12_300_000,
  disk: { usedBytes: 12_000_000, capBytes: 10_000_000_000 },
  newsletters: [newsletter],
}

describe('seed', () => {
  it('prints the feed key and asks for a daemon where none runs', async () => {
    const operations = { seed: answer({ feedKey }) }
    const human = await runCli(['seed', feedKey], { operations })
    expect(human.stdout).toBe(`Seeding ${feedKey}.\n`)
    expect(human.stderr).toContain('hyperletter daemon start')
    const json = await runCli(['seed', feedKey, '--json'], { operations })
    expect(jsonOf(json.stdout)).toEqual({ feedKey })
  })

  it('takes many links and a file of them, each once', async () => {
    const others = ['n', 'o'].map((it) => `${it.repeat(51)}y`)
    const file = join(await temporaryDirectory(), 'links.txt')
    await writeFile(
      file,
      `\uFEFF# Of the coast\r\n\r\nhyperletter://${others[0]}\r\n  ${feedKey}\n`,
    )
    const seen: string[] = []
    const operations = {
      seed: ({ link }: Input<'seed'>) => {
        seen.push(link)
        return Promise.resolve({ feedKey: link })
      },
    }
    const flags = ['seed', feedKey, `hyperletter://${others[1]}`, '--file', file]
    const wanted = [feedKey, others[1], others[0]]
    expect((await runCli(flags, { operations })).stdout).toBe(
      wanted.map((it) => `Seeding ${it}.\n`).join(''),
    )
    expect(seen).toEqual(wanted)
    expect(jsonOf((await runCli([...flags, '--json'], { operations })).stdout)).toEqual({
      feedKeys: wanted,
    })
    const stdin = Readable.from([`${feedKey}\n`])
    const piped = await runCli(['seed', '--file', '-', '--json'], { operations, stdin })
    expect(jsonOf(piped.stdout)).toEqual({ feedKeys: [feedKey] })
  })

  it.each([
    ['no link', [], 'There is no link'],
    ['a link that is none', ['nonsense'], 'error: '],
    ['a link that is none among others', [feedKey, 'nonsense'], 'error: nonsense: '],
    ['too many links', Array.from({ length: 501 }, () => feedKey), 'at most 500'],
    ['a file that is not there', ['--file', '/nowhere/links.txt'], 'There is no such file'],
  ])('ends with 2 on %s, and seeds nothing', async (_, args, message) => {
    // Any operation would fail with INTERNAL, and so with 1.
    const { code, stderr } = await runCli(['seed', ...args])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

it('unseed prints the feed key', async () => {
  const operations = { unseed: answer({ feedKey }) }
  expect((await runCli(['unseed', 'Tides'], { operations })).stdout).toContain(feedKey)
  const json = await runCli(['unseed', 'Tides', '--json'], { operations })
  expect(jsonOf(json.stdout)).toEqual({ feedKey })
})

describe('status', () => {
  const show = (it: Output<'status'>, ...flags: string[]) =>
    runCli(['status', ...flags], { operations: { status: answer(it) } })

  it('has room for a title on a terminal of 80 columns', async () => {
    const stdout = new Capture({ isTTY: true })
    await runCli(['status'], { stdout, operations: { status: answer(status) } })
    expect(stdout.text).toMatch(/Tide Tables/)
    expect(stdout.text).not.toContain('received')
    const wide = new Capture({ isTTY: true, columns: 120 })
    await runCli(['status'], { stdout: wide, operations: { status: answer(status) } })
    expect(wide.text).toContain('received')
  })

  it('breaks the answer to an author between words', async () => {
    const stdout = new Capture({ isTTY: true, columns: 60 })
    const copies = { issues: 12, newestCopies: 0, olderCopies: 2, fullCopies: 0 }
    const it = { ...status, newsletters: [{ ...newsletter, ...copies }] }
    await runCli(['status'], { stdout, operations: { status: answer(it) } })
    expect(stdout.text).toContain(
      'Stay online: no one else has issue 12 of “Tide Tables” yet,\nand 2 others have issues 1 to 11.\n',
    )
  })

  it('shows how much of the disk cap is used, and near the cap which issue goes first', async () => {
    const next = { feedKey, title: 'Tide Tables', number: 4 }
    const { stdout } = await show({ ...status, disk: { usedBytes: 1, capBytes: 50e6, next } })
    expect(stdout).toContain('1 B of 50 MB\n')
    const full = await show({ ...status, disk: { usedBytes: 46e6, capBytes: 50e6, next } })
    expect(full.stdout).toContain('46 MB of 50 MB; issue 4 of “Tide Tables” is removed first\n')
    const uncapped = await show({ ...status, disk: { usedBytes: 2_000 } })
    expect(uncapped.stdout).toContain('2.0 kB, without a cap\n')
    const blind = await show({ ...status, disk: { usedBytes: 5, capBytes: 5, next: { feedKey } } })
    expect(blind.stdout).toContain('the oldest issue of ybndrfg8 is removed first\n')
  })

  it('says which issues are not here by choice, and which are too large', async () => {
    const left = { ...newsletter, leftOut: 2, tooLarge: [7] }
    const { stderr } = await show({ ...status, newsletters: [left] })
    expect(stderr).toContain('2 issues of “Tide Tables” can be read while a peer has them.')
    expect(stderr).toContain('Issue 7 of “Tide Tables” is larger than the disk cap')
  })

  it('shows what is held and passed on', async () => {
    const { code, stdout } = await show(status)
    expect(code).toBe(0)
    expect(stdout).toContain('online, 2 peers connected, 1 in this room over TCP')
    expect(stdout).toContain('12 MB on disk in /data')
    expect(stdout).toMatch(/Tide Tables +author +3 +██████████ 100 % +2 +1 +1\.2 MB +0 B\n/)
  })

  it.each([
    [
      3,
      2,
      2,
      'Safe to go offline: issue 3 of “Tide Tables” is held in full by 2 others, everything before it by 2.',
    ],
    [1, 1, 1, 'Safe to go offline: issue 1 of “Tide Tables” is held in full by 1 other.'],
    [
      12,
      0,
      2,
      'Stay online: no one else has issue 12 of “Tide Tables” yet, and 2 others have issues 1 to 11.',
    ],
    [
      2,
      3,
      0,
      'Stay online: 3 others have issue 2 of “Tide Tables”, but no one else has issue 1 yet.',
    ],
    [1, 0, 0, 'Stay online: no one else has issue 1 of “Tide Tables” yet.'],
  ])(
    'answers an author of %i issues with %i and %i copies',
    async (issues, newest, older, text) => {
      const copies = { issues, newestCopies: newest, olderCopies: older, fullCopies: 0 }
      const it = { ...status, newsletters: [{ ...newsletter, ...copies }] }
      expect((await show(it)).stdout).toContain(text)
      // A reader may go offline at any time, and where nothing is counted nothing is known.
      const reader = { ...newsletter, ...copies, roles: ['subscriber' as const] }
      expect((await show({ ...status, newsletters: [reader] })).stdout).not.toContain('go offline')
      expect((await show({ ...it, online: false })).stdout).not.toContain('go offline')
    },
  )

  it('is the whole document with --json', async () => {
    expect(jsonOf((await show(status, '--json')).stdout)).toEqual(status)
  })

  it('never rounds up to 100 %', async () => {
    const { stdout } = await show({
      ...status,
      newsletters: [{ ...newsletter, heldBlocks: 9_999, length: 10_000 }],
    })
    expect(stdout).toContain('█████████░  99 %')
  })

  it.each([
    ['an empty library', { ...status, newsletters: [] }, 'hyperletter subscribe'],
    ['no daemon', { ...status, via: 'engine' as const }, 'hyperletter daemon start'],
    ['no network', { ...status, online: false }, 'offline'],
    [
      'no peer that has the rest',
      { ...status, newsletters: [{ ...newsletter, heldBlocks: 3, peers: 0 }] },
      'No connected peer has',
    ],
    [
      'an author whom nobody copied',
      { ...status, newsletters: [{ ...newsletter, fullCopies: 0, newestCopies: 0 }] },
      'Stay online',
    ],
    [
      'a disk that is full',
      { ...status, problem: { code: 'DISK_FULL', message: 'Nothing more can be stored.' } },
      'Free some space on the disk of /',
    ],
    ['a healthy library', status, 'Everything you chose to keep is here.'],
  ])('says what to do about %s', async (_, it, expected) => {
    const { stdout, stderr } = await show(it)
    expect(stdout + stderr).toContain(expected)
  })
})

describe('daemon', () => {
  const running: DaemonStatus = {
    running: true,
    pid: 42,
    version: '0.1.0',
    socket: '/data/daemon.sock',
    uptimeSeconds: 3_725,
  }
  const stopped: DaemonStatus = { running: false, socket: '/data/daemon.sock' }
  const services = {
    startDaemon: answer(running),
    stopDaemon: answer(stopped),
    daemonStatus: answer(running),
    reloadDaemon: answer({ applied: ['notify'], restart: ['udpPort'] } as const),
  }

  it.each([
    ['start', running],
    ['stop', stopped],
    ['status', running],
    ['reload', { applied: ['notify'], restart: ['udpPort'] }],
  ])('%s prints what it found as JSON', async (command, expected) => {
    const { code, stdout } = await runCli(['daemon', command, '--json'], { services })
    expect(code).toBe(0)
    expect(jsonOf(stdout)).toEqual(expected)
  })

  it('status tells people the process and how long it runs', async () => {
    const { stdout } = await runCli(['daemon', 'status'], { services })
    expect(stdout).toContain('process 42, version 0.1.0, for 1 h 2 min')
  })

  it('status of none names the next step', async () => {
    const result = await runCli(['daemon', 'status'], {
      services: { daemonStatus: answer(stopped) },
    })
    expect(result).toMatchObject({ code: 0, stdout: 'The daemon is not running.\n' })
    expect(result.stderr).toContain('hyperletter daemon start')
  })

  it.each([
    ['start', 'startDaemon', 'DAEMON_ALREADY_RUNNING', 1],
    ['stop', 'stopDaemon', 'DAEMON_NOT_RUNNING', 3],
  ] as const)('%s reports %s', async (command, service, code, exitCode) => {
    const fail = () => Promise.reject(new HyperletterError(code, 'So it is.'))
    const result = await runCli(['daemon', command, '--json'], { services: { [service]: fail } })
    expect(result.code).toBe(exitCode)
    expect(jsonOf(result.stderr)).toMatchObject({ error: { code } })
  })

  it('start hands on what the command line gave, and nothing else', async () => {
    const given: unknown[] = []
    const flags = ['--data-dir', 'd', '--disk-cap', '5 GB', '--webhook-secret=s', '--verbose']
    const { code } = await runCli(['daemon', 'start', ...flags], {
      env: { HYPERLETTER_UDP_PORT: '5000' },
      services: {
        startDaemon: (_, options) => {
          given.push(options?.given)
          return Promise.resolve(running)
        },
      },
    })
    expect(code).toBe(0)
    const expected = { dataDir: 'd', diskCap: '5 GB', webhookSecret: 's', logLevel: 'debug' }
    expect(given).toEqual([expected])
  })

  it('a log level that is given weighs more than --verbose', async () => {
    const given: unknown[] = []
    await runCli(['daemon', 'start', '--verbose', '--log-level', 'info'], {
      services: {
        loadConfig: (flags) => {
          given.push(flags)
          return Promise.resolve(someConfig)
        },
        startDaemon: answer(running),
      },
    })
    expect(given).toEqual([{ logLevel: 'info' }])
  })

  it('reload says what changed, and what waits for the next start', async () => {
    const result = await runCli(['daemon', 'reload'], { services })
    expect(result.stdout).toBe('Changed: notify.\n')
    expect(result.stderr).toContain('udpPort')
  })

  it('install only shows what it would write with --print', async () => {
    const result = await runCli(['daemon', 'install', '--print', '--json', '--disk-cap', '5 GB'])
    expect(result.code).toBe(0)
    const { text } = jsonOf(result.stdout) as { text: string }
    expect(text).toContain('--data-dir=/data')
    expect(text).toContain('--disk-cap=5 GB')
  })

  it('run prints one line once it listens, and ends with 0 when stopped', async () => {
    const stop = new AbortController()
    const { code, stdout } = await runCli(['daemon', 'run'], {
      signal: stop.signal,
      services: {
        runDaemon: async (config, { signal, onReady }) => {
          expect(config).toBe(someConfig)
          onReady({ socket: '/data/daemon.sock', pid: 42 })
          stop.abort()
          await Promise.resolve(signal)
        },
      },
    })
    expect(code).toBe(0)
    expect(jsonOf(stdout)).toEqual({ ready: true, socket: '/data/daemon.sock', pid: 42 })
  })
})

describe('dht', () => {
  const addresses: { host: string; port: number | undefined }[] = []
  const dht = (env: NodeJS.ProcessEnv, ...flags: string[]) => {
    addresses.length = 0
    return runCli(['dht', ...flags], {
      env,
      services: {
        runBootstrapNode: ({ host, port, onReady }) => {
          addresses.push({ host, port })
          onReady({ host, port: port ?? 50_000 })
          return Promise.resolve()
        },
      },
    })
  }

  it('prints where it listens', async () => {
    const { code, stdout } = await dht({})
    expect(code).toBe(0)
    expect(jsonOf(stdout)).toEqual({ host: '127.0.0.1', port: 50_000 })
  })

  it('takes the port and the address, of a flag before the environment', async () => {
    const env = { HYPERLETTER_HOST: '10.0.0.1' }
    await dht(env, '--port', '49737', '--host', '10.0.0.2')
    expect(addresses).toEqual([{ host: '10.0.0.2', port: 49_737 }])
    await dht(env)
    expect(addresses).toEqual([{ host: '10.0.0.1', port: undefined }])
  })
})
