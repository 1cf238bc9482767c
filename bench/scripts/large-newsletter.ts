// Publishes issues with an attachment each that no compression makes smaller: a newsletter of any size.
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadProduct, printResult, scriptInput } from '../product.ts'

interface Input {
  readonly dir: string
  readonly dataDir: string
  /** Adds to this newsletter; makes one when absent. */
  readonly newsletter?: string
  readonly issues: number
  readonly attachmentBytes: number
}

const { dir, dataDir, issues, attachmentBytes, ...input } = scriptInput() as Input
const { engine, operations } = await (await loadProduct()).open({ dataDir })
const newsletter =
  input.newsletter ?? (await operations.createNewsletter({ title: 'Charts' })).feedKey
const drafts = join(dir, 'drafts')
await mkdir(drafts, { recursive: true })
const path = join(drafts, 'issue.md')
for (let i = 0; i < issues; i++) {
  const chart = randomBytes(attachmentBytes)
  // No two issues have the same text: the second would be refused.
  await writeFile(path, `# Chart ${chart.toString('hex', 0, 8)}\n\n![A chart](chart.png)\n`)
  await writeFile(join(drafts, 'chart.png'), chart)
  for await (const event of operations.publishIssue({ newsletter, draft: { file: path } })) {
    if (event.event === 'published') break
  }
}

await engine.close()
await rm(drafts, { recursive: true })
printResult({ feedKey: newsletter })
