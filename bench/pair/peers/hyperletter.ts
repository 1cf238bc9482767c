// This product's engine. Arguments: folder, host:port of a DHT node, then for a publisher how many bytes its issues have
// and how many KiB a block of them, for a reader `link` and that link.
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { loadProduct } from '../../product.ts'
import { onCommand, ready } from '../../swarm/peers/line.js'
import type { HypercoreLog } from '../../../src/log/hypercore-log.ts'

/** How large an attachment is that is cut into blocks of so many KiB. */
const ATTACHMENT_BYTES: Readonly<Record<string, number>> = {
  '64': 16 * 1024 * 1024,
  '16': 4 * 1024 * 1024,
  '4': 4 * 1024,
}

/** Attachments of one issue; the format allows 128. */
const ATTACHMENTS = 16

const [dir = '', bootstrap = '', what = '', rest = ''] = process.argv.slice(2)
const { engine, operations } = await (
  await loadProduct()
).open({ dataDir: join(dir, 'data'), bootstrap })

if (what === 'link') {
  onCommand('begin', () => void read())
  ready({})
} else {
  const made = await operations.createNewsletter({ title: 'Charts' })
  const attachmentBytes = ATTACHMENT_BYTES[rest] ?? NaN
  const charts = Number(what) / attachmentBytes
  const drafts = join(dir, 'drafts')
  await mkdir(drafts, { recursive: true })
  for (let first = 0; first < charts; first += ATTACHMENTS) {
    const names = Array.from(
      { length: Math.min(ATTACHMENTS, charts - first) },
      (_, i) => `chart${first + i}.png`,
    )
    for (const name of names) await writeFile(join(drafts, name), randomBytes(attachmentBytes))
    const file = join(drafts, `issue${first}.md`)
    const pictures = names.map((name) => `![A chart](${name})\n`)
    await writeFile(file, [`# Charts from ${first}\n`, ...pictures].join('\n'))
    for await (const event of operations.publishIssue({ draft: { file } })) {
      if (event.event === 'published') break
    }
  }
  await engine.network()
  ready({ link: made.link })
}

async function read(): Promise<void> {
  const subscribed = (async () => {
    for await (const event of operations.subscribe({ link: rest })) void event
  })()
  subscribed.catch((error: unknown) => {
    throw error
  })
  while (engine.library.list().length === 0) await setImmediate()
  const [entry] = engine.library.list()
  if (entry === undefined) throw new Error('It is not subscribed.')
  const { core } = (await engine.open(entry)).feed.log as HypercoreLog
  core.once('download', () => ready({ first: true }))
  let isDone = false
  core.on('download', () => {
    if (isDone || core.contiguousLength !== core.length) return
    isDone = true
    void finish()
  })
}

async function finish(): Promise<void> {
  ready({ last: true, tcp: (await engine.network()).swarm.diagnosis.facts().tcpConnections })
}
