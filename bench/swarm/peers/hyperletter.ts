// This product's engine. Arguments: folder, host:port of a DHT node, then for a publisher the size of its issue in
// bytes, for a reader `link` and that link.
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadProduct } from '../../product.ts'
import { finished, onCommand, progress, ready } from './line.js'

const [dir = '', bootstrap = '', what = '', link = ''] = process.argv.slice(2)
const { engine, operations } = await (
  await loadProduct()
).open({ dataDir: join(dir, 'data'), bootstrap })

if (what === 'link') {
  for await (const event of operations.subscribe({ link })) void event
  const [entry] = engine.library.list()
  if (entry === undefined) throw new Error('It is not subscribed.')
  const { core } = await engine.feed(entry)
  const before = core.length
  onCommand('begin', () => {
    const told = progress()
    core.on('download', (_, sizeBytes) => {
      told.add(sizeBytes)
      if (core.length > before && core.contiguousLength === core.length) finished(told)
    })
  })
  ready({})
} else {
  const made = await operations.createNewsletter({ title: 'Charts' })
  const drafts = join(dir, 'drafts')
  const file = join(drafts, 'issue.md')
  await mkdir(drafts, { recursive: true })
  await writeFile(file, '# Charts\n\n![A chart](chart.png)\n')
  await writeFile(join(drafts, 'chart.png'), randomBytes(Number(what)))
  await engine.network()
  onCommand('publish', () => void publish())
  ready({ link: made.link })

  async function publish(): Promise<void> {
    for await (const event of operations.publishIssue({ draft: { file } })) {
      if (event.event === 'published') return
    }
  }
}
