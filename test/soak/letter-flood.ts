/**
 * A flood of letters under as many new keys, from one process that appears as many peers, against carriers and an
 * author by the real command. Letters of a sender who was published and of one who has a code are written before it and
 * meanwhile; the author is offline, and later meets the carriers and the flood at once.
 *
 * npm run soak:flood -- [--letters 10000] [--neighbours 18]
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BOX_BYTES, BOX_LETTERS } from '../../src/engine/letters/letterbox.ts'
import { SigningKeys } from '../../src/engine/publish/author-files.ts'
import type { FeedKey } from '../../src/format/keys/feed-key.ts'
import { DEFAULT_WORK_BITS } from '../../src/format/letters/envelope.ts'
import { Flooder } from '../helpers/letter-flooder.ts'
import { assert, People } from './people.ts'

const { values } = parseArgs({
  options: {
    letters: { type: 'string', default: '10000' },
    neighbours: { type: 'string', default: '18' },
  },
})
const [count, neighbours] = [Number(values.letters), Number(values.neighbours)]

/** Letters of each honest sender, half of them written before the flood. The one with a code has one box to go through. */
const WRITTEN = { known: 8, admitted: 2 }

/** How long nothing more of the flood is kept before it is taken to be over. */
const QUIET_MS = 10_000

const PEOPLE = ['author', 'carrier 1', 'carrier 2', 'known', 'admitted'] as const
type Person = (typeof PEOPLE)[number]
const CARRIERS = ['carrier 1', 'carrier 2'] as const

await using people = await People.open<Person>()
const { must, until } = people
const say = (text: string) => process.stderr.write(`${text}\n`)

const { feedKey, link } = await must<{ feedKey: FeedKey; link: string }>(
  ...(['author', 'create', 'Flooded', '--no-confirm'] as const),
)
await must('author', 'edit', feedKey, '--letters', 'anyone')
const { code } = await must<{ code: string }>('author', 'admit', feedKey)
await people.goOnline('author')
for (const it of PEOPLE.slice(1)) {
  await people.goOnline(it)
  await must(it, 'subscribe', link, '--timeout', '60')
  await until(it, feedKey, ({ wanted }) => wanted)
}
await must('known', 'write', feedKey, '--text', 'The first.', '--wait', '30')
await until('author', feedKey, ({ waiting }) => waiting.length === 1)
await must('author', 'accept', feedKey, '1')
await until('known', feedKey, ({ mine }) => mine.every((it) => it.state === 'published'))
await people.kill('author', 'SIGTERM')

await writeHalf(0)
say(`stamping for a flood of ${count} letters`)
const sealedTo = await (await SigningKeys.open(join(people.dirOf('author'), 'keys'))).get(feedKey)
if (sealedTo === undefined) throw new Error('The author has no key')
await using flood = await Flooder.open({
  feedKey,
  bootstrap: people.bootstrap,
  bits: DEFAULT_WORK_BITS,
  sealedTo,
})
const each = Math.ceil(count / neighbours)
const stock = Array.from({ length: neighbours }, () => flood.stock(each))
const later = Array.from({ length: 2 }, () => flood.stock(each))
const memoryBefore = await memoryOf()
say(`${neighbours} neighbours offer ${count} letters`)
for (const it of stock) flood.appear(it)
await writeHalf(1)
await settled(() => flood.given)
const memoryAfter = await memoryOf()
for (const it of ['known', 'admitted'] as const) {
  await until(it, feedKey, ({ mine }) =>
    mine.every((letter) => letter.carriers > 0 || letter.state !== 'waiting'),
  )
  await people.kill(it, 'SIGTERM')
}
const boxes = []
for (const it of CARRIERS) {
  await people.kill(it, 'SIGTERM')
  boxes.push(await boxOf(it))
  await people.goOnline(it)
}
for (const box of boxes) {
  assert(box.letters <= BOX_LETTERS, `A box has ${box.letters} letters`)
  assert(box.bytes <= BOX_BYTES, `A box has ${box.bytes} bytes`)
}

say('the author comes back')
await people.goOnline('author')
const honest = ({ text }: { readonly text: string }) => /^(known|admitted) /.test(text)
const wanted = WRITTEN.known + WRITTEN.admitted
const { waiting } = await until(
  'author',
  feedKey,
  (it) => it.waiting.filter(honest).length >= wanted,
)
await settled(
  async () => (await must<{ waiting: object[] }>('author', 'letters', feedKey)).waiting.length,
)
const strangers = (
  await must<{ waiting: { text: string }[] }>('author', 'letters', feedKey)
).waiting.filter((it) => !honest(it)).length

say('the author takes letters of known and admitted senders only')
await must('author', 'edit', feedKey, '--letters', 'admitted')
await pause(2_000)
const before = { given: flood.given, boxes: await boxesNow() }
for (const it of later) flood.appear(it)
await settled(() => flood.given)
const after = { given: flood.given, boxes: await boxesNow() }
assert(
  after.boxes.every((it, i) => it.letters <= (before.boxes[i]?.letters ?? 0)),
  `A box grew from ${JSON.stringify(before.boxes)} to ${JSON.stringify(after.boxes)}`,
)

const arrived = (of: string) => waiting.filter((it) => it.text.startsWith(`${of} `)).length
const rows: [string, string | number][] = [
  ['letters offered, each under a new key', count],
  ['neighbours that offered them', neighbours],
  ['letters that carriers asked for and got', before.given],
  ...boxes.flatMap((it, i): [string, string][] => [
    [`box of ${CARRIERS[i] ?? ''}`, `${it.letters} letters, ${Math.ceil(it.bytes / 1_024)} KiB`],
    [`memory of ${CARRIERS[i] ?? ''}`, `${memoryBefore[i] ?? 0} → ${memoryAfter[i] ?? 0} MiB`],
  ]),
  ['letters of the published sender that arrived', `${arrived('known')} of ${WRITTEN.known}`],
  ['letters of the admitted sender that arrived', `${arrived('admitted')} of ${WRITTEN.admitted}`],
  ['letters of the flood that wait for the author', strangers],
  ['letters given after `--letters admitted`, and kept', `${after.given - before.given}, 0`],
]
for (const [what, value] of rows)
  process.stdout.write(`| ${what.padEnd(52)} | ${String(value).padStart(24)} |\n`)
assert(arrived('known') === WRITTEN.known, 'Letters of the published sender are missing')
assert(strangers > 0, 'No letter of the flood can be read')
assert(arrived('admitted') === WRITTEN.admitted, 'Letters of the admitted sender are missing')

async function writeHalf(half: 0 | 1): Promise<void> {
  for (const it of ['known', 'admitted'] as const) {
    const most = WRITTEN[it] / 2
    const access = it === 'admitted' ? ['--code', code] : []
    for (let i = 0; i < most; i++) {
      await must(
        it,
        'write',
        feedKey,
        '--text',
        `${it} ${half * most + i}`,
        '--wait',
        '60',
        ...access,
      )
    }
  }
}

/** Waits until a number does not grow any more. */
async function settled(of: () => number | Promise<number>): Promise<void> {
  for (let last = -1, now = await of(); now > last; now = await of()) {
    last = now
    await pause(QUIET_MS)
  }
}

async function boxOf(person: Person): Promise<{ letters: number; bytes: number }> {
  const path = join(people.dirOf(person), 'letters', `${feedKey}.json`)
  const { box } = JSON.parse(await readFile(path, 'utf8')) as { box: { envelope: string }[] }
  const bytes = box.reduce((sum, it) => sum + Buffer.from(it.envelope, 'base64').length, 0)
  return { letters: box.length, bytes }
}

/** What is on the disk of carriers, a while later. */
async function boxesNow() {
  await pause(6_000)
  return Promise.all(CARRIERS.map(boxOf))
}

async function memoryOf(): Promise<number[]> {
  return Promise.all(
    CARRIERS.map(async (it) => {
      const status = await readFile(`/proc/${people.pidOf(it)}/status`, 'utf8')
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024)
    }),
  )
}
