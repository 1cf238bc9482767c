import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** As many issues as the real archive that the goals were set with, of its range of sizes. */
const ISSUES = 661
const MIN_BYTES = 5_000
const MAX_BYTES = 40_000

const WORDS =
  'tide moon harbour signed letter reader archive issue weather crate release notes compiler ' +
  'meeting patch review borrow thread server network update thanks welcome project community'
const FIRST_DAY = Date.UTC(2013, 5, 7)
const DAY_MS = 24 * 60 * 60 * 1_000
const WEEK_MS = 7 * DAY_MS

/** Writes a weekly newsletter of Markdown files with `Key: value` heads; the same bytes each time. */
export async function writeSyntheticCorpus(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const random = generator(1)
  for (let number = 1; number <= ISSUES; number++) {
    const date = new Date(FIRST_DAY + number * WEEK_MS).toISOString().slice(0, 10)
    const sizeBytes = MIN_BYTES + Math.floor(random() * (MAX_BYTES - MIN_BYTES))
    const head = `Title: This Week in Tides ${number}\nDate: ${date}\nNumber: ${number}\nTags: tides, weekly\n\n`
    await writeFile(join(folder, `${date}-this-week.md`), head + text(sizeBytes, random))
  }
}

/**
 * Writes a Ghost export of posts as long as those of a weekly letter; the same bytes each time.
 * @param everyMs between two of them: one that is dated in the future is left out of an import.
 */
export async function writeGhostExport(
  path: string,
  posts: number,
  everyMs = DAY_MS,
): Promise<void> {
  const random = generator(2)
  const words = WORDS.split(' ')
  const some = (count: number) =>
    Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join(' ')
  const paragraph = () =>
    `<p>${some(12)} <em>${some(2)}</em> &amp; <a href="https://example.org/${some(1)}">${some(3)}</a>, <strong>${some(2)}</strong> ${some(14)}.</p>`
  const rows = Array.from({ length: posts }, (_, at) => ({
    id: at.toString(16).padStart(24, '0'),
    title: `This Week in Tides ${at}`,
    slug: `week-${at}`,
    status: 'published',
    visibility: 'public',
    type: 'post',
    published_at: new Date(FIRST_DAY + at * everyMs).toISOString(),
    html: `<h2>${some(3)}</h2>${Array.from({ length: 10 }, paragraph).join('')}`,
  }))
  const data = { posts: rows, users: [], tags: [], posts_authors: [], posts_tags: [] }
  await writeFile(path, JSON.stringify({ db: [{ meta: { version: '6.0.0' }, data }] }))
}

function text(sizeBytes: number, random: () => number): string {
  const words = WORDS.split(' ')
  const pick = () => words[Math.floor(random() * words.length)] ?? ''
  const parts: string[] = []
  let length = 0
  while (length < sizeBytes) {
    const heading = parts.length % 12 === 0 ? `## ${pick()} ${pick()}\n\n` : ''
    const link = `[${pick()} ${pick()}](https://example.org/${Math.floor(random() * 1e9)})`
    const part = `${heading}- ${link}: ${Array.from({ length: 12 }, pick).join(' ')}.\n`
    parts.push(part)
    length += part.length
  }
  return parts.join('')
}

// Mulberry32: small, seeded, and good enough for filler.
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let it = Math.imul(state ^ (state >>> 15), 1 | state)
    it = (it + Math.imul(it ^ (it >>> 7), 61 | it)) ^ it
    return ((it ^ (it >>> 14)) >>> 0) / 4_294_967_296
  }
}
