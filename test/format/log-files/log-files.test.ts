import type Hypercore from 'hypercore'
import { describe, expect, it } from 'vitest'
import { takeBundle } from '../../../src/format/bundle/take.ts'
import { loadBundle, resultOf } from '../../../src/format/bundle/verify.ts'
import { Contents } from '../../../src/format/content/content-codec.ts'
import { newestEdition } from '../../../src/format/history/corrections.ts'
import { History } from '../../../src/format/history/history.ts'
import { encryptionKeyOf } from '../../../src/format/keys/feed-key.ts'
import {
  asBundle,
  treeOfFiles,
  VerifiedFiles,
} from '../../../src/format/log-files/verified-files.ts'
import { decodeHead } from '../../../src/format/log-files/head.ts'
import { webSource } from '../../../src/format/log-files/source.ts'
import { LogFiles } from '../../../src/format/log-files/log-files.ts'
import { collect } from '../../../src/format/bytes.ts'
import { bundleOf } from '../../helpers/bundles.ts'
import { expectCode } from '../../helpers/errors.ts'
import { filesOf, MemorySource, range, type Files } from '../../helpers/log-files.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { signingKeys } from '../../helpers/newsletters.ts'
import { logOf, openStore } from '../../helpers/stores.ts'

interface Options {
  readonly issues?: number
  readonly seed?: number
  readonly bodyBytes?: number
  readonly encryptionKey?: Buffer
  /** What comes after the issues. */
  readonly after?: (builder: LogBuilder) => Promise<unknown>
}

const KEY = Buffer.alloc(32, 7)

async function openLog({ issues = 3, seed = 1, bodyBytes, encryptionKey, after }: Options = {}) {
  const store = await openStore()
  const encryption = encryptionKey === undefined ? {} : { encryption: { key: encryptionKey } }
  const core = store.get({ keyPair: signingKeys(seed), ...encryption })
  await core.ready()
  const builder = new LogBuilder(core)
  await builder.newsletter()
  for (let i = 1; i <= issues; i++) {
    await builder.issue(
      {},
      `Tides of week ${i}.`.padEnd(bodyBytes ?? 20 + ((i * 977) % 3_000), '~'),
    )
  }
  await after?.(builder)
  return core
}

const written = async (core: Hypercore, holes: { start: number; end: number }[] = []) =>
  filesOf(await logOf(core), { holes, records: await logOf(core) })

const open = (files: Files, options = {}) => VerifiedFiles.open(new MemorySource(files), options)

/** The same log on another device, where nothing is held yet. */
async function openEmpty({ key }: Hypercore): Promise<Hypercore> {
  if (key === null) throw new Error('The core is not ready.')
  const empty = (await openStore()).get({ key, allowFork: false })
  await empty.ready()
  return empty
}

// As `toEqual` would, which takes seconds for so many bytes.
function expectSame(some: Files, others: Files): void {
  expect([...some.keys()]).toEqual([...others.keys()])
  for (const [path, bytes] of some) {
    expect(Buffer.compare(bytes, others.get(path) ?? Buffer.alloc(0))).toBe(0)
  }
}

describe('log files', () => {
  it.each([0, 1, 127, 128, 300])(
    'are the bundle of a log with %i issues, cut into pieces',
    async (issues) => {
      const core = await openLog({ issues })
      const files = await written(core)
      const bundle = await bundleOf(core)
      const packs = [...files.keys()].filter((it) => it.startsWith('blocks/'))
      const frames = Buffer.concat(packs.map((it) => files.get(it) ?? new Uint8Array()))
      expect(bundle.subarray(-frames.byteLength).equals(frames)).toBe(true)
      expect(bundle.equals(await collect(asBundle(await open(files))))).toBe(true)
    },
  )

  it('leave out holes as a bundle does, neighbours as one', async () => {
    const core = await openLog({ issues: 140 })
    const holes = [range(11, 12), range(255, 256), range(256, 257), range(7, 8), range(8, 11)]
    const files = await written(core, holes)
    const head = decodeHead(files.get('head') ?? new Uint8Array())
    expect(head.holes).toEqual([range(7, 12), range(255, 257)])
    const names = [...files.keys()].filter((it) => it.startsWith('blocks/'))
    expect(names).toHaveLength(2)
    for (const name of names) expect(name).toMatch(/^blocks\/\d+-\d+-[0-9a-f]{16}$/)
    const carried = [range(0, 7), range(12, 255), range(257, 281)]
    const bundle = await bundleOf(core, carried)
    expect(bundle.equals(await collect(asBundle(await open(files))))).toBe(true)
  })

  it('end a pack before it exceeds a megabyte, and give a larger block a pack of its own', async () => {
    const core = await openLog({ issues: 2 })
    const sizes = [2 ** 20 - 10, 11, 2 ** 20, 2 ** 21, 1, 2 ** 20 - 1]
    for (const size of sizes) await core.append(Buffer.alloc(size, 1))
    const packs = [...(await written(core)).keys()].filter((it) => it.startsWith('blocks/'))
    expect(packs).toEqual([
      'blocks/0-5',
      'blocks/5-1',
      'blocks/6-1',
      'blocks/7-1',
      'blocks/8-1',
      'blocks/9-2',
    ])
  })

  it('are the same whoever makes them, and the same again from tiles that lie there', async () => {
    const core = await openLog({ issues: 300 })
    const files = await written(core)
    const copy = await openEmpty(core)
    const source = await open(files)
    await resultOf(takeBundle(await logOf(copy), await treeOfFiles(source), asBundle(source)))
    expectSame(await written(copy), files)
    const reads: string[] = []
    const existing = (path: string) => {
      reads.push(path)
      // One of them was damaged meanwhile.
      return Promise.resolve(
        files.get(path)?.map((it, i) => (path === 'tree/1' && i === 9 ? 1 : it)),
      )
    }
    const log = await logOf(core)
    expectSame(await filesOf(log, { records: log, existing }), files)
    expect(reads).toEqual(['tree/0', 'tree/1'])
  })

  it('are read by anybody who holds a part, who fetches no more than is wanted', async () => {
    const core = await openLog({ issues: 300 })
    const source = new MemorySource(await written(core))
    const files = await VerifiedFiles.open(source)
    const copy = await openEmpty(core)
    const tree = await treeOfFiles(files)
    source.requests.length = 0
    const wanted = [range(0, 1), range(5, 9), range(590, 601)]
    const added = await resultOf(takeBundle(await logOf(copy), tree, asBundle(files, wanted)))
    expect(added).toBe(16)
    expect(source.requests).toHaveLength(3)
    expect(copy.length).toBe(601)
  })

  it('compare their history with that of another length', async () => {
    const core = await openLog({ issues: 300 })
    const files = await open(await written(core))
    for (const length of [1, 255, 256, 257, 300, 512, 600, 601]) {
      expect(Buffer.from(await files.treeHash(length))).toEqual(await core.treeHash(length))
    }
  })
})

describe('a reader of log files', () => {
  const newestOf = async (log: LogFiles) => {
    const issue = await new History(log).newest({ bytesAround: 6 * 1024 })
    if (issue === undefined) throw new Error('There is no issue.')
    const text = await new Contents(log).body(newestEdition(issue))
    return { number: issue.record.number, text }
  }

  it('has the newest issue after three requests, or two where there are no ranges', async () => {
    const files = await written(await openLog({ issues: 540 }))
    const ranges = new MemorySource(files)
    const { number, text } = await newestOf(await LogFiles.open(ranges))
    expect({ number, start: text.slice(0, 18) }).toEqual({
      number: 540,
      start: 'Tides of week 540.',
    })
    expect(ranges.requests.length).toBeLessThanOrEqual(3)
    expect(ranges.bytes).toBeLessThan(10_000)
    const plain = new MemorySource(files, { hasRanges: false })
    expect((await newestOf(await LogFiles.open(plain))).number).toBe(540)
    expect(plain.requests).toHaveLength(2)
  })

  const correctedAt = '2026-03-03T07:00:00Z'
  it.each<[string, NonNullable<Options['after']>]>([
    ['is a letter', (builder) => builder.letter(1, { issue: 40 })],
    [
      'are twenty long letters',
      async (builder) => {
        for (let i = 1; i <= 20; i++) await builder.letter(i, { issue: 40 }, '~'.repeat(i * 50))
      },
    ],
    ['is a new profile', (builder) => builder.newsletter({ title: 'Tides' })],
    [
      'is a correction of another one',
      (builder) => builder.record({ type: 'retraction', number: 7, retractedAt: correctedAt }),
    ],
    [
      'is a long correction',
      async (builder) => {
        const block = await builder.raw('Tides of week 40.'.padEnd(20_000, '~'))
        const body = { block, blocks: 1, bytes: 20_000, mediaType: 'text/markdown' }
        const amended = {
          number: 40,
          title: 'Tides',
          amendedAt: correctedAt,
          body,
          attachments: [],
        }
        await builder.record({ type: 'amendment', ...amended })
      },
    ],
  ])('has it after three requests where there %s behind it', async (_, after) => {
    const core = await openLog({ issues: 40, bodyBytes: 12_000, after })
    const source = new MemorySource(await written(core))
    const { number, text } = await newestOf(await LogFiles.open(source))
    expect([number, text.slice(0, 17)]).toEqual([40, 'Tides of week 40.'])
    expect(source.requests.length).toBeLessThanOrEqual(3)
  })

  it('lists 540 issues with ten requests, and without files of records from packs', async () => {
    const files = await written(await openLog({ issues: 540 }))
    const source = new MemorySource(files)
    const log = await LogFiles.open(source)
    await log.fetchRecords()
    const listing = await new History(log).list({ wait: false })
    expect(listing).toMatchObject({ missing: 0, profile: { index: 0 } })
    expect(listing.issues).toHaveLength(540)
    expect(source.requests.length).toBeLessThanOrEqual(10)

    const bare = new Map([...files].filter(([path]) => !path.startsWith('records/')))
    const other = new MemorySource(bare)
    const slow = await LogFiles.open(other)
    await slow.fetchRecords()
    expect((await new History(slow).list()).issues).toHaveLength(540)
    // Head, tiles, files of records that are not there, and a few parts of each pack.
    expect(other.requests.length).toBeLessThan(50)
  })

  it('fetches the blocks of a large content together', async () => {
    const core = await openLog({ issues: 1 })
    const builder = new LogBuilder(core)
    const content = Buffer.alloc(300_000, 'x')
    const first = core.length
    for (let at = 0; at < content.length; at += 16_384)
      await builder.raw(content.subarray(at, at + 16_384))
    const source = new MemorySource(await written(core))
    const log = await LogFiles.open(source)
    source.requests.length = 0
    const attachment = {
      name: 'a',
      block: first,
      blocks: 19,
      bytes: 300_000,
      mediaType: 'image/png',
    }
    const bytes = await collect(new Contents(log).attachment(attachment))
    expect(Buffer.from(bytes).equals(content)).toBe(true)
    expect(source.requests).toHaveLength(1)
  })

  it('reads a private newsletter with its key, and nothing without it', async () => {
    const core = await openLog({ issues: 130, encryptionKey: KEY })
    const files = await written(core)
    const plain = Buffer.concat([...files.values()].map((it) => Buffer.from(it)))
    expect(plain.includes('Tides of week')).toBe(false)
    const encryptionKey = encryptionKeyOf(KEY)
    const source = new MemorySource(files)
    const log = await LogFiles.open(source, { encryptionKey })
    await log.fetchRecords()
    expect((await new History(log).list({ wait: false })).issues).toHaveLength(130)
    expect((await newestOf(log)).text).toContain('Tides of week 130.')
    const blind = await LogFiles.open(source)
    expect((await new History(blind).list()).issues).toHaveLength(0)
  })

  it('gives nothing that is not carried', async () => {
    const core = await openLog({ issues: 3 })
    const log = await LogFiles.open(new MemorySource(await written(core, [range(1, 2)])))
    await expectCode(log.read(1), 'NOT_AVAILABLE')
    await expectCode(log.read(7), 'NOT_AVAILABLE')
    await expectCode(log.read(-1), 'NOT_AVAILABLE')
    expect(await log.read(3)).toEqual(new Uint8Array((await core.get(3)) ?? []))
  })
})

describe('altered log files', () => {
  it('are refused, wherever one bit is changed', async () => {
    const core = await openLog({ issues: 140 })
    const files = await written(core, [range(5, 6)])
    for (const [path, bytes] of files) {
      const places = [0, 3, bytes.byteLength >> 1, bytes.byteLength - 1]
      // Of a file of records, the head of gzip says nothing that matters.
      for (const place of path.startsWith('records/')
        ? [0, 40, bytes.byteLength >> 1, bytes.byteLength - 1]
        : places) {
        const altered = new Map(files).set(
          path,
          bytes.map((it, i) => (i === place ? it ^ 1 : it)),
        )
        const read = async () => {
          const log = await LogFiles.open(new MemorySource(altered))
          await log.fetchRecords()
          await collect(asBundle(log.files))
        }
        await expectCode(read(), 'INVALID_LOG')
      }
    }
  })

  it('are refused when they are too long, too short or another newsletter’s', async () => {
    const core = await openLog({ issues: 140 })
    const files = await written(core)
    for (const [path, bytes] of files) {
      if (path.startsWith('records/')) continue
      for (const wrong of [
        bytes.subarray(1),
        bytes.subarray(0, -1),
        Buffer.concat([bytes, bytes]),
        Buffer.alloc(0),
      ]) {
        const altered = new Map(files).set(path, wrong)
        await expectCode((async () => collect(asBundle(await open(altered))))(), 'INVALID_LOG')
      }
    }
    const other = await openLog({ seed: 2 })
    await expectCode(open(files, { feedKey: other.id }), 'INVALID_LOG')
  })

  it('are refused for a head that claims too much, before anything is allocated for it', async () => {
    const files = await written(await openLog())
    const head = files.get('head') ?? new Uint8Array()
    const LENGTH = 15 + 1 + 64
    for (const [at, value] of [
      [LENGTH, 2 ** 21],
      [LENGTH, 0],
      [LENGTH + 8 + 64, 2 ** 31],
    ] as const) {
      const altered = head.slice()
      new DataView(altered.buffer).setUint32(at, value, true)
      expect(() => decodeHead(altered)).toThrow(expect.objectContaining({ code: 'INVALID_LOG' }))
    }
  })

  it.each([
    [[range(0, 1)]],
    [[range(3, 3)]],
    [[range(3, 9)]],
    [[range(2, 3), range(3, 4)]],
    [[range(4, 5), range(2, 3)]],
  ])('are refused for holes that cannot be: %j', async (holes) => {
    const { encodeHead } = await import('../../../src/format/log-files/head.ts')
    const head = decodeHead((await written(await openLog())).get('head') ?? new Uint8Array())
    const forged = encodeHead({ ...head, holes })
    expect(() => decodeHead(forged)).toThrow(expect.objectContaining({ code: 'INVALID_LOG' }))
  })
})

it('a bundle of log files is verified as any other', async () => {
  const core = await openLog({ issues: 20 })
  const bundle = await loadBundle(asBundle(await open(await written(core))))
  expect(bundle.length).toBe(core.length)
})

describe('a web server that does not answer', () => {
  const DEADLINES = { headMs: 20, bodyMs: 40 }

  it('is given up, whether it says nothing or does not come to an end', async () => {
    // As `fetch` does.
    const hanging = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    let end = () => {}
    const silent = webSource('https://a.example/', (_, { signal }) => hanging(signal), DEADLINES)
    await expectCode(silent.get('head', { limit: 1_000 }), 'NOT_AVAILABLE')
    const drip = new Response(
      new ReadableStream({
        start: (controller) => void (end = () => controller.error(new Error('aborted'))),
        async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          controller.enqueue(Uint8Array.of(1))
        },
      }),
    )
    const dripping = webSource(
      'https://a.example/',
      (_, { signal }) => {
        signal.addEventListener('abort', end)
        return Promise.resolve(drip)
      },
      DEADLINES,
    )
    await expectCode(dripping.get('head', { limit: 1_000_000 }), 'NOT_AVAILABLE')
  })
})
