// Fills a data directory with newsletters of others, as a reader of all of them holds them. The logs
// are written straight into the store: only what a daemon makes of them is measured.
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import type * as EntryModule from '../../src/format/history/entry.ts'
import type * as ContentModule from '../../src/format/content/content-codec.ts'
import type * as FeedKeyModule from '../../src/format/keys/feed-key.ts'
import type * as LibraryModule from '../../src/engine/library/library.ts'
import type * as StoreModule from '../../src/log/store/store.ts'
import type * as ConfigModule from '../../src/config/config.ts'
import { built, printResult, scriptInput } from '../product.ts'

interface Input {
  readonly dataDir: string
  readonly newsletters: number
  readonly issues: number
}

const RECOVERY_KEY = '94q5tmrmqwgpphhzdm9i1ri4e7khjwh386fx9racof3tnpj87hso'

const { dataDir, newsletters, issues } = scriptInput() as Input
const [entry, content, feedKeys, library, logs, config] = await Promise.all([
  built<typeof EntryModule>('format/history/entry.js'),
  built<typeof ContentModule>('format/content/content-codec.js'),
  built<typeof FeedKeyModule>('format/keys/feed-key.js'),
  built<typeof LibraryModule>('engine/library/library.js'),
  built<typeof StoreModule>('log/store/store.js'),
  built<typeof ConfigModule>('config/config.js'),
])

const { storeDir } = await config.loadConfig({ dataDir, bootstrap: '127.0.0.1:1' })
const store = new Corestore(storeDir)
await store.ready()
const shelf = await library.Library.open(
  await new logs.Store(store).openKeyValues('hyperletter/library'),
)
const keys: string[] = []
for (let i = 0; i < newsletters; i++) {
  const title = `Newsletter ${i + 1}`
  const feedKey = await write(title, Buffer.alloc(32, `${i} of ${newsletters}`))
  await shelf.add(feedKey, 'subscriber', { title })
  keys.push(feedKey)
}
await shelf.close()
await store.close()
printResult({ keys })

async function write(title: string, seed: Buffer) {
  const keyPair = crypto.keyPair(seed)
  const manifest = { version: 1, signers: [{ publicKey: keyPair.publicKey }] }
  // Given to a later session, the key pair is not kept in the store: the log is somebody else's.
  const made = store.get({ manifest })
  await made.ready()
  const core = store.get({ key: made.key ?? seed, keyPair })
  await core.ready()
  const profile = { title, createdAt: '2026-03-01T09:30:00Z', recoveryKey: RECOVERY_KEY }
  const entries: EntryModule.Entry[] = [entry.composeNewsletter(entry.LOG_START, profile)]
  for (let number = 1; number <= issues; number++) {
    const text = `# Issue ${number} of ${title}\n\n${'High water at noon, low water at six. '.repeat(40)}\n`
    const body = await content.encodeContent(new TextEncoder().encode(text), 'text/markdown')
    const head = { title: `Issue ${number}`, publishedAt: '2026-03-02T07:00:00Z' }
    entries.push(entry.composeIssue(entries.at(-1)?.next ?? entry.LOG_START, head, body, []))
  }
  await core.append(entries.flatMap((it) => [...it.blocks]))
  const feedKey = feedKeys.feedKeyOf(core.key ?? seed)
  await core.close()
  await made.close()
  return feedKey
}
