import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openEngine } from '../../src/api/open-engine.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { jsonOf, runCli } from '../helpers/cli.ts'
import { all } from '../helpers/operations.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

async function newsletter(): Promise<Operations> {
  const dataDir = await temporaryDirectory()
  const engine = await openEngine({ dataDir, bootstrap: [], localDiscovery: false })
  onTestFinished(() => engine.close())
  await engine.operations.createNewsletter({ title: 'Tides' })
  return engine.operations
}

/** All that an issue says, with the bytes of its attachments. */
async function contents(operations: Operations) {
  const listed = await operations.listIssues({ newsletter: 'Tides' })
  return Promise.all(
    listed.map(async ({ number }) => {
      const issue = await operations.readIssue({ newsletter: 'Tides', number })
      const { title, publishedAt, summary, authors, tags, language, markdown } = issue
      const files = await Promise.all(
        issue.attachments.map(async ({ name, alt, mediaType }) => {
          const parts = await all(operations.readAttachment({ newsletter: 'Tides', number, name }))
          return { name, alt, mediaType, bytes: Buffer.concat(parts).toString() }
        }),
      )
      return { title, publishedAt, summary, authors, tags, language, markdown, files }
    }),
  )
}

async function archive(): Promise<string> {
  const folder = await temporaryDirectory()
  const files = {
    'a/2020-01-01-plain.md': '# Plain\r\n\r\nLines that end\r\nas on Windows. \r\n',
    'a/head.md':
      '---\ntitle: "A: \\"b\\" #c [d] – ☂"\ndate: 2020-01-02T03:04:05.678Z\nsummary: "Two\\nlines: one"\nauthors:\n  - name: "Doe, Jane"\n    url: https://example.org/jane\n  - Bo\ntags: ["a, b", "yes", "1.0"]\nlang: de\n---\n\n\n\n    code first\n\n---\ndraft: true\n---\n',
    'posts/2020/pictures.md':
      '---\ntitle: 1.10\ndate: 2020-01-03\nissue: 7\n---\n![Up](../../images/a.png) ![Root](/img/b.png)\n![Here](c%20d.png) ![Below](./sub/e.png)',
    'posts/2020/same-names.md':
      '---\ntitle: drafts\ndate: 2020-01-03\n---\n![Up](../../images/a.png "t")\n\n<img src="../f.png">\n',
    'images/a.png': 'A',
    'img/b.png': 'B',
    'posts/2020/c d.png': 'C',
    'posts/2020/sub/e.png': 'E',
    'posts/f.png': 'F',
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

it('writes files of which an import makes the same issues', async () => {
  const operations = await newsletter()
  await all(operations.importFolder({ folder: await archive() }))
  const folder = join(await temporaryDirectory(), 'tides')
  const exported = await runCli(['export', 'Tides', '--markdown', folder, '--json'], { operations })
  expect(jsonOf(exported.stdout)).toMatchObject({ issues: 4, files: 10, skipped: [], warnings: [] })

  const other = await newsletter()
  const events = await all(other.importFolder({ folder }))
  expect(events.filter((it) => it.event === 'warning')).toStrictEqual([])
  const expected = await contents(operations)
  expect(expected.map((it) => it.files.length)).toStrictEqual([2, 4, 0, 0])
  expect(await contents(other)).toStrictEqual(expected)
  // And none that it has already.
  const again = await all(operations.importFolder({ folder }))
  expect(again.at(-1)).toMatchObject({ event: 'finished', published: 0 })
  expect(JSON.stringify(again)).not.toContain('changed since')
})

it('writes no issue so that an import takes it for a draft', async () => {
  const operations = await newsletter()
  for (const title of ['Draft', 'Drafts', 'My drafts', 'Private', 'Templates', 'README']) {
    await all(operations.publishIssue({ draft: { markdown: `# ${title}\n` } }))
  }
  const marked = { markdown: '---\ntags: [boats, status/draft]\n---\n# Tagged\n' }
  await all(operations.publishIssue({ draft: { ...marked, include: ['drafts'] } }))
  const folder = await temporaryDirectory()
  // As an earlier version named it.
  await mkdir(join(folder, '0001-draft'))
  expect((await runCli(['export', 'Tides', '--markdown', folder], { operations })).code).toBe(0)
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['0001', '0002', '0003']))

  const other = await newsletter()
  const events = await all(other.importFolder({ folder }))
  expect(events.at(-1)).toMatchObject({ event: 'finished', published: 7 })
  expect(await contents(other)).toStrictEqual(await contents(operations))
})

it('adds what a folder lacks, and replaces what changed only if it is asked to', async () => {
  const operations = await newsletter()
  const publish = (markdown: string) => all(operations.publishIssue({ draft: { markdown } }))
  await publish('# One\n')
  await publish('# Two\n')
  await operations.retractIssue({ newsletter: 'Tides', number: 2 })
  const folder = await temporaryDirectory()
  const run = (...args: string[]) =>
    runCli(['export', 'Tides', '--markdown', folder, ...args], { operations })
  const first = await run()
  expect(first.stdout).toContain('Wrote 1 issue')
  expect(first.stderr).toContain('Issue 2 is left out: it was retracted')
  await publish('# Three/../..\\x\n')
  expect((await run()).code).toBe(0)
  expect(await readdir(folder)).toStrictEqual(['0001-one', '0003-three-x'])

  const draft = { markdown: '# Uno\n\nNew.\n' }
  await operations.amendIssue({ newsletter: 'Tides', number: 1, draft })
  const refused = await run()
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('exists and is different')
  expect((await run('--force')).code).toBe(0)
  expect(await readdir(folder)).toStrictEqual(['0001-one', '0003-three-x'])
  expect(await readFile(join(folder, '0001-one/index.md'), 'utf8')).toContain('New.')
})

it('needs to know what to write', async () => {
  expect((await runCli(['export', 'Tides'])).code).toBe(2)
  const both = ['export', 'Tides', '--markdown', 'a', '--bundle', 'b']
  expect((await runCli(both)).code).toBe(2)
})
