// This product's engine, as it was built, in a process like that of a daemon. Given: `dir`, `dht`, and for a publisher
// `sizeBytes` of what it will publish, and `backlog`: how many `issues` of what `sizeBytes` it has published before; for
// a reader the `link`, and how to read: see `ReaderOptions`.
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { given } from './given.js'
import { finished, onCommand, progress, ready, tellTime, tellTimes } from './line.js'

/** A daemon that a new issue finds has been running for long. */
const AT_REST_MS = 2_000

/** Up to here an issue is a text, above it is a picture. */
const MOST_TEXT_BYTES = 65_536

/** Of random letters out of 64, after compression. */
const PACKED = 0.76

const { restrainHeap } = await built('daemon/service/definitions.js')
restrainHeap(AT_REST_MS)
const [{ Engine }, { bindOperations }, { loadConfig }, { createLogger }] = await Promise.all(
  ['engine/engine.js', 'api/operations.js', 'config/config.js', 'logger.js'].map(built),
)
const dataDir = join(given.dir, 'data')
const bootstrap = `${given.dht.host}:${given.dht.port}`
const config = await loadConfig({ dataDir, bootstrap, logLevel: 'silent' })
const logger = createLogger(config.logLevel)
const engine = await Engine.open({ config, logger, online: true })
const operations = bindOperations(engine, 'engine')

if ('link' in given) await read(given)
else await publish(given)

async function read({ link, feedKey, isLive, until }) {
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
    const { feed } = await engine.feeds.open({ feedKey }, { online: false })
    if (until === 'times') return tellTimes(feed.log.core)
    const before = isLive ? feed.log.core.length : 0
    const isDone = until === 'newest' ? newestIsHeld : everythingIsHeld
    let isFinished = false
    feed.log.core.on('download', (_, sizeBytes) => {
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

async function everythingIsHeld({ log: { core } }, before) {
  return core.length > before && core.contiguousLength === core.length
}

async function newestIsHeld(feed) {
  if (!(await feed.log.core.has(feed.log.core.length - 1))) return false
  const newest = await feed.newest({ wait: false })
  return newest !== undefined && (await feed.holdsIssue(newest))
}

async function publish({ dir, backlog, sizeBytes }) {
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
  let next = writeDraft(folder, 'next', sizeBytes)
  await next
  await engine.network()
  let published = Promise.resolve()
  // A reader may have the last one before it is known here that it is out.
  onCommand('publish', () => {
    published = published.then(issue).catch(fail)
  })
  ready({ link, feedKey })

  async function issue() {
    if (sizeBytes < MOST_TEXT_BYTES) tellTime()
    for await (const event of operations.publishIssue({ draft: { file: await next } })) {
      if (event.event === 'published') break
    }
    if (sizeBytes < MOST_TEXT_BYTES) next = writeDraft(folder, 'next', sizeBytes)
  }
}

/** A draft whose content takes so many bytes in the log. */
async function writeDraft(folder, name, sizeBytes) {
  const file = join(folder, `${name}.md`)
  if (sizeBytes < MOST_TEXT_BYTES) {
    const text = randomBytes(Math.round((sizeBytes / PACKED) * 0.75)).toString('base64')
    // With a title of its own: what has the same title and length is compared with it before it is published.
    await writeFile(file, `# Chart ${text.slice(0, 16)}\n\n${text}\n`)
  } else {
    await writeFile(file, `# Chart ${name}\n\n![A chart](${name}.png)\n`)
    await writeFile(join(folder, `${name}.png`), randomBytes(sizeBytes))
  }
  return file
}

function fail(error) {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
}

function built(path) {
  return import(new URL(`../../../dist/${path}`, import.meta.url).href)
}
