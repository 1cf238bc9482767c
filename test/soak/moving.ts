/*
 * Moves whole archives in, out again and in once more, and compares all that their issues say:
 *   npm run check:moving -- <folder>...   Markdown files, or what a service exported
 * Ends with 0 if both newsletters are equal: titles, dates, tags, texts and the bytes of all files.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEngine } from '../../src/api/open-engine.ts'
import type { Operations } from '../../src/api/contract/contract.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))

/** Imports a folder into a new newsletter, and says what that one has then. */
async function moveIn(dataDir: string, folder: string): Promise<string[]> {
  await using engine = await openEngine({ dataDir, bootstrap: [], localDiscovery: false })
  const { operations } = engine
  await operations.createNewsletter({ title: 'Archive' })
  for await (const _ of operations.importFolder({ folder }));
  return await contents(operations)
}

async function contents(operations: Operations): Promise<string[]> {
  const said: string[] = []
  for (const { number } of await operations.listIssues({ newsletter: 'Archive' })) {
    const issue = await operations.readIssue({ newsletter: 'Archive', number })
    const { title, publishedAt, summary, authors, tags, language, markdown } = issue
    const files: unknown[] = []
    for (const { name, alt, mediaType } of issue.attachments) {
      const hash = createHash('sha256')
      const parts = operations.readAttachment({ newsletter: 'Archive', number, name })
      for await (const part of parts) hash.update(part)
      files.push([name, alt, mediaType, hash.digest('hex')])
    }
    said.push(
      JSON.stringify([title, publishedAt, summary, authors, tags, language, markdown, files]),
    )
  }
  return said
}

for (const folder of process.argv.slice(2)) {
  const home = await mkdtemp(join(tmpdir(), 'hyperletter-moving-'))
  try {
    const [data, files] = [join(home, 'data'), join(home, 'files')]
    const before = await moveIn(data, resolve(folder))
    const args = ['export', 'Archive', '--markdown', files, '--data-dir', data, '--json']
    const { status, stderr } = spawnSync(process.execPath, [LAUNCHER, ...args], {
      encoding: 'utf8',
      env: { ...process.env, XDG_CONFIG_HOME: home, HYPERLETTER_BOOTSTRAP: '127.0.0.1:9' },
    })
    if (status !== 0) throw new Error(`The export ended with ${status}: ${stderr}`)
    const after = await moveIn(join(home, 'again'), files)
    const different = before.filter((it, at) => it !== after[at])
    const isEqual = before.length > 0 && before.length === after.length && different.length === 0
    console.log(
      `${isEqual ? 'equal' : 'NOT EQUAL'}  ${folder}: ${before.length} issues, then ${after.length}`,
    )
    for (const it of different.slice(0, 3)) {
      console.log(
        `  before ${it.slice(0, 300)}\n  after  ${after[before.indexOf(it)]?.slice(0, 300)}`,
      )
    }
    if (!isEqual) process.exitCode = 1
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
