import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { validAtom, validJsonFeed } from '../../helpers/feed-validators.ts'
import { publishLetter } from '../../helpers/letters.ts'
import { all, single } from '../../helpers/operations.ts'
import { openAuthor } from '../../helpers/peers.ts'
import { startReader } from '../../helpers/readers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

it('published letters are below their issue: in lists, search, feeds and the pages of a website', async () => {
  const author = await openAuthor([], { isOnline: false, issues: 2 })
  const { engine, operations, feedKey: newsletter } = author
  await using session = await engine.open(engine.library.resolve(newsletter))
  const { feed: log } = session
  const reader = await startReader(operations)
  const folder = await temporaryDirectory()
  const exported = async () => {
    const written = single((await all(operations.exportSite({ newsletter, folder }))).slice(-1))
    const page = await readFile(join(folder, 'issues/1/index.html'), 'utf8')
    return { written, page, atom: await readFile(join(folder, 'atom.xml'), 'utf8') }
  }
  const feed = async () => (await reader.ask(`/feeds/${newsletter}/atom.xml`)).text
  const find = (query: string) => operations.search({ query })
  await exported()
  expect(await find('cormorant')).toEqual([])
  expect(await feed()).not.toContain('#letters')

  const text = 'A cormorant sat there.\n<img src="http://spy.example/">'
  await publishLetter(engine, log, {
    number: 1,
    issue: 1,
    name: 'Ada & Bo',
    text,
    answer: 'A heron.',
  })
  // One that the record says something else of is shown to nobody.
  await publishLetter(engine, log, { number: 2, issue: 1, text: 'Forged.' }, (block) =>
    block.with(240, (block[240] ?? 0) ^ 1),
  )
  await publishLetter(engine, log, { number: 3, issue: 2, text: 'About another issue.' })
  const issues = await operations.listIssues({ newsletter })
  expect(issues.map((it) => it.letterCount)).toEqual([1, 2])
  const { letters } = await operations.readIssue({ newsletter, number: 1 })
  expect(letters).toMatchObject([{ number: 1, name: 'Ada & Bo', text, answer: 'A heron.' }])

  const [found] = await find('cormorant')
  expect(found).toMatchObject({ number: 1, title: 'Issue 1' })
  expect(found?.excerpt.text).toContain('A cormorant sat there.')
  expect(found?.excerpt.highlights).toHaveLength(1)
  expect(await find('heron')).toMatchObject([{ number: 1 }])
  expect(await find('forged')).toEqual([])

  const { page, atom, written } = await exported()
  expect(page).toContain('A heron.')
  expect(page).toContain('&lt;img src=&quot;http://spy.example/&quot;&gt;')
  expect(page).not.toContain('Forged.')
  // The host could have written that: only the script of the page may say so.
  expect(page).not.toContain('signature verified')
  await validAtom(atom)
  expect(atom).toContain('issues/1/index.html#letters')
  expect((await exported()).written).toMatchObject({ changed: 0 })
  expect(written).not.toMatchObject({ changed: 0 })
  await validAtom(await feed())
  expect(await feed()).toContain(`/n/${newsletter}/1#letters`)
  validJsonFeed((await reader.ask(`/feeds/${newsletter}/feed.json`)).text)
})
