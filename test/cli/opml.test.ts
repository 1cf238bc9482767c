import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import { validOpml } from '../helpers/feed-validators.ts'
import { answer, jsonOf, runCli, someConfig, streamOf } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const ONE = 'y'.repeat(52)
const TWO = `${'e'.repeat(51)}o`

const IMPORTED = {
  subscribed: [
    { feedKey: ONE, title: 'Tides', already: false },
    { feedKey: TWO, already: true },
  ],
  skipped: [
    {
      title: 'An\u001b[31m app',
      url: 'https://example.org/feed',
      code: 'INVALID_LINK',
      message: 'an ordinary feed',
    },
  ],
}

function newsletter(feedKey: string, title: string, isPrivate = false) {
  const link = `hyperletter://${feedKey}`
  return { feedKey, link, title, roles: [], issues: 3, unread: 0, private: isPrivate }
}

const listed = answer([newsletter(ONE, 'Tide tables'), newsletter(TWO, 'Winds', true)])

describe('import-opml', () => {
  it('hands over the list, fetches what is new, and says what it left out', async () => {
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'my.opml'), '<opml/>')
    const asked: unknown[] = []
    const synced: unknown[] = []
    const operations = {
      importOpml: (input: unknown) => {
        asked.push(input)
        return Promise.resolve(IMPORTED)
      },
      async *followSync(input: unknown) {
        synced.push(input)
        yield await Promise.resolve({
          event: 'progress' as const,
          heldBlocks: 1,
          length: 1,
          peers: 1,
        })
      },
      listNewsletters: listed,
    }
    const { code, stdout, stderr } = await runCli(['import-opml', 'my.opml'], {
      operations,
      cwd: folder,
    })
    expect(code).toBe(0)
    expect(asked).toEqual([{ opml: '<opml/>' }])
    expect(synced).toEqual([{ newsletter: ONE }])
    expect(stdout).toContain('Subscribed to “Tide tables”: 3 issues.')
    expect(stdout).toContain('1 newsletter followed already.')
    expect(stdout).toContain('An app  https://example.org/feed  an ordinary feed')
    expect(stderr).toBe('')
  })

  it('reads standard input, waits for nobody if asked so, and has JSON', async () => {
    const operations = { importOpml: answer(IMPORTED), listNewsletters: listed }
    const stdin = Readable.from(['<op', Buffer.from('ml/>')])
    const argv = ['import-opml', '-', '--no-wait', '--json']
    const { code, stdout } = await runCli(argv, { operations, stdin })
    expect(code).toBe(0)
    expect(jsonOf(stdout)).toEqual({
      subscribed: [
        { feedKey: ONE, title: 'Tide tables', already: false, issues: 3 },
        { feedKey: TWO, title: 'Winds', already: true, issues: 3 },
      ],
      skipped: IMPORTED.skipped,
    })
  })

  it('says what has not arrived, and keeps it', async () => {
    const late = new HyperletterError('TIMEOUT', 'Holding 0 of 0 blocks.')
    const operations = {
      importOpml: answer(IMPORTED),
      followSync: streamOf([], late),
      listNewsletters: listed,
    }
    const stdin = Readable.from(['<opml/>'])
    const { code, stderr } = await runCli(['import-opml', '-'], { operations, stdin })
    expect(code).toBe(0)
    expect(stderr).toContain('One of them has yet to arrive')
    expect(stderr).toContain('hyperletter daemon start')
  })

  it.each([
    ['that is not there', 'none.opml', 2],
    ['that is a folder', '.', 2],
    ['that is no text', 'bytes.opml', 2],
    ['that is too long', 'long.opml', 1],
  ])('refuses a file %s, and opens nothing', async (_, file, expected) => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'bytes.opml'), Buffer.from([0x3c, 0xff, 0xfe]))
    await writeFile(join(cwd, 'long.opml'), ' '.repeat(1_024 * 1_024 + 1))
    const { code, opened } = await runCli(['import-opml', file], { cwd })
    expect([code, opened]).toEqual([expected, 0])
  })
})

describe('web-feeds', () => {
  async function runFeeds(argv: readonly string[], via: 'daemon' | 'engine' = 'daemon') {
    const dataDir = await temporaryDirectory()
    const state = { port: 4_999, secret: 'a'.repeat(64) }
    await writeFile(join(dataDir, 'reader.json'), JSON.stringify(state))
    return runCli(['web-feeds', ...argv], {
      via,
      operations: { listNewsletters: listed },
      openReader: () => Promise.resolve('http://127.0.0.1:4999/enter?token=secret'),
      services: { loadConfig: () => Promise.resolve({ ...someConfig, dataDir }) },
    })
  }

  it('prints the addresses for other apps', async () => {
    const { code, stdout, stderr } = await runFeeds([])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`Tide tables\n  http://127.0.0.1:4999/feeds/${ONE}/atom.xml\n`)
    expect(stdout).toMatch(/Winds\n.+\/atom\.xml\?key=[0-9a-f]{32}\n/)
    expect(stdout).toMatch(/Everything you follow\n.+\/feeds\/all\/atom\.xml\?key=[0-9a-f]{32}\n/)
    expect(stdout).not.toContain('token')
  })

  it('prints those of whole archives if asked so', async () => {
    const { stdout } = await runFeeds(['--complete'])
    expect(stdout).toContain(`http://127.0.0.1:4999/feeds/${ONE}/complete/atom.xml`)
  })

  it('prints a list to import', async () => {
    const { stdout } = await runFeeds(['--opml', '--complete'])
    const [first, second] = await validOpml(stdout)
    expect(first).toEqual({
      title: 'Tide tables',
      url: `http://127.0.0.1:4999/feeds/${ONE}/complete/atom.xml`,
    })
    expect(second?.url).toMatch(/\/complete\/atom\.xml\?key=[0-9a-f]{32}$/)
  })

  it('has JSON', async () => {
    const { stdout } = await runFeeds(['--json'])
    expect(jsonOf(stdout)).toMatchObject({
      opml: expect.stringMatching(
        /^http:\/\/127\.0\.0\.1:4999\/feeds\/newsletters\.opml\?key=/,
      ) as unknown,
      newsletters: [{ feedKey: ONE, title: 'Tide tables' }, { feedKey: TWO }],
    })
  })

  it('says that nothing answers without a daemon', async () => {
    const { stderr, opened, closed } = await runFeeds([], 'engine')
    expect(stderr).toContain('hyperletter daemon start')
    expect([opened, closed]).toEqual([1, 1])
  })
})
