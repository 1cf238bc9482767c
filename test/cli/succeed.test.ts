import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { formatSuccession } from '../../src/format/records/succession.ts'
import { answer, Capture, jsonOf, Keyboard, runCli } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const FROM = `${'b'.repeat(51)}y`
const TO = `${'n'.repeat(51)}y`
const STATEMENT = formatSuccession({
  from: parseFeedKey(FROM),
  to: parseFeedKey(TO),
  issuedAt: 1_775_030_400_000,
  signature: new Uint8Array(64).fill(7),
})
const WORDS = 'abandon '.repeat(23).concat('art')

type Succeed = Operations['succeedNewsletter']

function succeeding(inputs: Parameters<Succeed>[0][], published: 'dht' | 'offline' = 'dht') {
  const succeedNewsletter: Succeed = (input) => {
    inputs.push(input)
    return Promise.resolve({ statement: STATEMENT, from: FROM, to: TO, published })
  }
  return { operations: { succeedNewsletter } }
}

describe('succeed', () => {
  test('takes the words from standard input', async () => {
    const inputs: Parameters<Succeed>[0][] = []
    const { code, stdout } = await runCli(['succeed', 'Tides', '--to', TO, '--json'], {
      ...succeeding(inputs),
      stdin: Readable.from([`${WORDS}\n`]),
    })
    expect(code).toBe(0)
    expect(inputs).toEqual([{ newsletter: 'Tides', to: TO, recoveryPhrase: WORDS }])
    expect(jsonOf(stdout)).toEqual({
      statement: STATEMENT,
      from: FROM,
      to: TO,
      published: 'dht',
    })
  })

  test('asks for the words on a terminal and does not repeat them', async () => {
    const inputs: Parameters<Succeed>[0][] = []
    const stdin = new Keyboard()
    const stderr = new Capture({ isTTY: true })
    const running = runCli(['succeed', 'Tides', '--to', TO], {
      ...succeeding(inputs),
      stdin,
      stderr,
    })
    await stderr.waitFor(/Words: /)
    stdin.write(`${WORDS}\n`)
    const { code, stdout } = await running
    expect(code).toBe(0)
    expect(inputs[0]?.recoveryPhrase).toBe(WORDS)
    expect(stdout + stderr.text).not.toContain('abandon')
  })

  test('writes the statement into a file, and says what to do with it when offline', async () => {
    const cwd = await temporaryDirectory()
    const { code, stdout, stderr } = await runCli(
      ['succeed', 'Tides', '--to', TO, '--file', 'moved.txt'],
      { ...succeeding([], 'offline'), stdin: Readable.from([WORDS]), cwd },
    )
    expect(code).toBe(0)
    expect(await readFile(join(cwd, 'moved.txt'), 'utf8')).toBe(`${STATEMENT}\n`)
    expect(stdout).toContain('moved.txt')
    expect(stderr).toContain('subscribe moved.txt')
  })

  test.each([
    ['no words', ''],
    ['too much', 'word '.repeat(2_000)],
  ])('is refused with %s', async (_, text) => {
    const { code, opened } = await runCli(['succeed', 'Tides', '--to', TO], {
      stdin: Readable.from([text]),
    })
    expect(code).toBe(2)
    expect(opened).toBe(0)
  })

  test('takes no words as an argument', async () => {
    const { code, opened } = await runCli(['succeed', 'Tides', '--to', TO, ...WORDS.split(' ')])
    expect(code).toBe(2)
    expect(opened).toBe(0)
  })
})

describe('subscribe with a file of a statement', () => {
  test('follows the newsletter to where it continues', async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'moved.txt'), `${STATEMENT}\n`)
    const inputs: unknown[] = []
    const acceptSuccession: Operations['acceptSuccession'] = (input) => {
      inputs.push(input)
      return Promise.resolve({ from: FROM, to: TO, title: 'Tides' })
    }
    const operations = { acceptSuccession }
    const { code, stdout } = await runCli(['subscribe', 'moved.txt'], { operations, cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('continues at')
    await runCli(['subscribe', 'moved.txt', '--timeout', '5'], { operations, cwd })
    expect(inputs).toEqual([{ statement: STATEMENT }, { statement: STATEMENT, timeoutSeconds: 5 }])
  })

  test('refuses a file that was cut short', async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'moved.txt'), STATEMENT.slice(0, 200))
    const { code, stderr, opened } = await runCli(['--json', 'subscribe', 'moved.txt'], { cwd })
    expect(code).toBe(1)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'INVALID_STATEMENT' } })
    expect(opened).toBe(0)
  })
})

test('the inbox tells once where a newsletter continues; JSON output uses nothing up', async () => {
  let taken = 0
  const successor = { feedKey: TO, link: `hyperletter://${TO}`, issuedAt: '2026-04-01T08:00:00Z' }
  const operations = {
    listInbox: answer([]),
    listNewsletters: answer([]),
    takeNotices: () => {
      taken++
      return Promise.resolve([{ feedKey: FROM, title: 'Tides', successor }])
    },
  }
  await runCli(['inbox', '--json'], { operations })
  await runCli(['inbox', '--quiet'], { operations })
  expect(taken).toBe(0)
  const { stderr } = await runCli(['inbox'], { operations })
  expect(taken).toBe(1)
  expect(stderr).toContain(`“Tides” continues at hyperletter://${TO}`)
})

test.each(['list', 'status'])('%s shows where a newsletter continues', async (command) => {
  const successor = {
    feedKey: TO,
    link: `hyperletter://${TO}#secret`,
    issuedAt: '2026-04-01T08:00:00Z',
  }
  const common = { feedKey: FROM, title: 'Tides', roles: ['subscriber' as const], issues: 1 }
  const { code, stderr } = await runCli([command], {
    operations: {
      listNewsletters: answer([
        { ...common, link: `hyperletter://${FROM}`, unread: 0, private: false, successor },
      ]),
      status: answer({
        via: 'daemon' as const,
        online: true,
        peers: 0,
        localPeers: 0,
        dataDir: '/data',
        bytesOnDisk: 1,
        disk: { usedBytes: 12_000_000, capBytes: 10_000_000_000 },
        newsletters: [
          {
            ...common,
            heldBlocks: 3,
            length: 3,
            peers: 0,
            fullCopies: 0,
            newestCopies: 0,
            olderCopies: 0,
            uploadedBytes: 0,
            downloadedBytes: 0,
            keep: {},
            leftOut: 0,
            tooLarge: [],
            successor,
          },
        ],
      }),
    },
  })
  expect(code).toBe(0)
  expect(stderr).toContain(`continues at hyperletter://${TO}`)
  expect(stderr).not.toContain('secret')
})
