// This product's engine. Given: `dir`, `dht`, and for a publisher `sizeBytes` of what it will publish, and `backlog`: how
// many `issues` of what `sizeBytes` it has published before; for a reader the `link`, and how to read: see `ReaderOptions`.
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Hypercore from 'hypercore'
import type { Feed } from '../../../src/feed/feed.ts'
import type { FeedKey } from '../../../src/records/feed-key.ts'
import { loadProduct } from '../../product.ts'
import type { Offer, ReaderOptions } from '../sides/side.ts'
import { finished, given, onCommand, progress, ready, tellTime } from './line.js'

interface Common {
  readonly dir: string
  readonly dht: { readonly host: string; readonly port: number }
}

type Given = Common &
  (Offer | (ReaderOptions & { readonly link: string; readonly feedKey: FeedKey }))

/** Up to here an issue is a text, above it is a picture. */
const MOST_TEXT_BYTES = 65_536

/** Of random letters out of 64, after compression. */
const PACKED = 0.76

const it = given as Given
const product = await loadProduct()
const { engine, operations } = await product.open({
  dataDir: join(it.dir, 'data'),
  bootstrap: `${it.dht.host}:${it.dht.port}`,
  online: true,
})

if ('link' in it) await read(it)
else await publish(it)

async function read({
  link,
  feedKey,
  isLive,
  until,
}: ReaderOptions & { link: string; feedKey: FeedKey }) {
  const subscribe = async () => {
    for await (const event of operations.subscribe({ link })) void event
  }
  if (isLive) await subscribe()
  else await engine.network()
  onCommand('begin', () => void begin())
  ready({})

  async function begin() {
    const told = progress()
    // Whoever is connected has subscribed already.
    if (!isLive) subscribe().catch(fail)
    const feed = await engine.feeds.get({ feedKey })
    if (until === 'times') return tellTimes(feed.core)
    const before = isLive ? feed.core.length : 0
    const isDone = until === 'newest' ? newestIsHeld : everythingIsHeld
    let isFinished = false
    feed.core.on('download', (_, sizeBytes) => {
      told.add(sizeBytes)
      isDone(feed, before)
        .then((done) => {
          if (done && !isFinished) {
            isFinished = true
            finished(told)
          }
        })
        .catch(fail)
    })
  }
}

async function everythingIsHeld({ core }: Feed, before: number): Promise<boolean> {
  return core.length > before && core.contiguousLength === core.length
}

async function newestIsHeld(feed: Feed): Promise<boolean> {
  if (!(await feed.core.has(feed.core.length - 1))) return false
  const newest = await feed.newest({ wait: false })
  return newest !== undefined && (await feed.holdsIssue(newest))
}

function tellTimes(core: Hypercore): void {
  let last = core.length
  const look = () => {
    if (core.length === last || core.contiguousLength !== core.length) return
    last = core.length
    tellTime()
  }
  core.on('append', look)
  core.on('download', look)
}

async function publish({ dir, backlog, sizeBytes }: Common & Offer): Promise<void> {
  const { link, feedKey } = await operations.createNewsletter({ title: 'Charts' })
  const folder = join(dir, 'drafts')
  const before = join(folder, 'before')
  await mkdir(before, { recursive: true })
  for (let i = 0; i < backlog.issues; i++) {
    await writeDraft(before, String(i).padStart(5, '0'), backlog.sizeBytes)
  }
  if (backlog.issues > 0) {
    for await (const event of operations.importFolder({ folder: before })) void event
  }
  let next = await writeDraft(folder, 'next', sizeBytes)
  await engine.network()
  onCommand('publish', () => {
    if (sizeBytes < MOST_TEXT_BYTES) tellTime()
    issue().catch(fail)
  })
  ready({ link, feedKey })

  async function issue() {
    for await (const event of operations.publishIssue({ draft: { file: next } })) {
      if (event.event === 'published') break
    }
    if (sizeBytes < MOST_TEXT_BYTES) next = await writeDraft(folder, 'next', sizeBytes)
  }
}

/** A draft whose content takes so many bytes in the log. */
async function writeDraft(folder: string, name: string, sizeBytes: number): Promise<string> {
  const file = join(folder, `${name}.md`)
  if (sizeBytes < MOST_TEXT_BYTES) {
    const text = randomBytes(Math.round((sizeBytes / PACKED) * 0.75)).toString('base64')
    await writeFile(file, `# Chart ${name}\n\n${text}\n`)
  } else {
    await writeFile(file, `# Chart ${name}\n\n![A chart](${name}.png)\n`)
    await writeFile(join(folder, `${name}.png`), randomBytes(sizeBytes))
  }
  return file
}

function fail(error: unknown): void {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
}
