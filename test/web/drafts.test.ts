import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { profileIn } from '../../src/web/routes/author.ts'
import { timeOf } from '../../src/web/routes/drafts.ts'
import { limitsIn } from '../../src/web/routes/seeding.ts'
import { openAuthor } from '../helpers/peers.ts'
import { startReader, type RunningReader } from '../helpers/readers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const BOUNDARY = '-'.repeat(24) + 'boundary'

type Part = readonly [field: string, value: string, fileName?: string]

/** Sends a form with files, as a browser does. */
async function sendForm(reader: RunningReader, path: string, parts: readonly Part[]) {
  const page = await reader.visit('/add')
  const token = /name="token"\s+value="([0-9a-f]+)"/.exec(page.text)?.[1] ?? ''
  const fields: Part[] = [['token', token], ...parts]
  const body = fields
    .map(([field, value, name]) => {
      const file = name === undefined ? '' : `; filename="${name}"\r\nContent-Type: image/png`
      return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"${file}\r\n\r\n${value}\r\n`
    })
    .join('')
  const type = `multipart/form-data; boundary=${BOUNDARY}`
  const headers = { origin: reader.origin, 'content-type': type }
  return reader.visit(path, { method: 'POST', headers, body: `${body}--${BOUNDARY}--\r\n` })
}

async function someReader() {
  const author = await openAuthor([], { isOnline: false })
  const reader = await startReader(author.operations)
  const send = (path: string, ...parts: Part[]) => sendForm(reader, path, parts)
  /** The path of the page of a draft, and what that page says of it. */
  const draft = async (...parts: Part[]) => {
    const path = String((await send('/write', ...parts)).headers.location)
    const page = await reader.visit(path)
    const seen = /name="seen"\s+value="(\w*)"/.exec(page.text)?.[1] ?? ''
    return { path, page: page.text, seen }
  }
  const issues = () => author.operations.listIssues({ newsletter: author.feedKey })
  return { ...author, reader, send, draft, issues, uploads: join(reader.dataDir, 'uploads') }
}

const TEXT: Part = ['text', '# Spring tide\n\nThe sea.\n']

describe('drafts that a browser sends', () => {
  it('are kept in a folder of their own, whatever their files are called', async () => {
    const { draft, uploads, reader } = await someReader()
    const before = await readdir(reader.dataDir)
    const names = [
      '../../evil.png',
      '/etc/passwd',
      'C:\\\\a\\\\b.png',
      '..',
      '.hidden',
      'a\u0000.png',
    ]
    const files = names.map((it): Part => ['files', 'x', it])
    const { path } = await draft(TEXT, ...files)
    expect(path).toMatch(/^\/preview\/[0-9a-f]{32}$/)
    const [folder = ''] = await readdir(uploads)
    for (const name of await readdir(join(uploads, folder))) expect(name).toMatch(/^[_a-z]/)
    expect((await readdir(reader.dataDir)).toSorted()).toEqual([...before, 'uploads'].toSorted())
  })

  it.each([
    ['nothing', [], 'There is no text.'],
    [
      'two texts',
      [['files', 'a', 'a.md'] as const, ['files', 'b', 'b.md'] as const],
      'more than one',
    ],
    ['a picture alone', [['files', 'a', 'a.png'] as const], 'There is no text.'],
    [
      'too many files',
      Array.from({ length: 200 }, (_, at) => ['files', 'x', `${at}.png`] as const),
      'at most',
    ],
    ['too long a text', [['text', 'x'.repeat(3 * 1_024 * 1_024)] as const], 'at most'],
  ])('leave nothing on the disk where they are refused: %s', async (_name, parts, why) => {
    const { send, uploads } = await someReader()
    const { status, text } = await send('/write', ...parts)
    expect([status, text]).toEqual([422, expect.stringContaining(why)])
    expect(existsSync(uploads) ? await readdir(uploads) : []).toEqual([])
  })

  it('are refused before they are read where they are too large', async () => {
    const { reader } = await someReader()
    const headers = {
      origin: reader.origin,
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    }
    const size = { 'content-length': String(65 * 1_024 * 1_024) }
    const sent = reader.visit('/write', { method: 'POST', headers: { ...headers, ...size } })
    expect((await sent).status).toBe(413)
  })

  it('are gone after a crash', async () => {
    const dataDir = await temporaryDirectory()
    await mkdir(join(dataDir, 'uploads/0123'), { recursive: true })
    await writeFile(join(dataDir, 'uploads/0123/draft.md'), 'x')
    const { operations } = await openAuthor([], { isOnline: false })
    await startReader(operations, { dataDir })
    expect(existsSync(join(dataDir, 'uploads'))).toBe(false)
  })
})

describe('publishing from the page of a draft', () => {
  it('happens once, however often the form is sent', async () => {
    const { draft, send, issues, feedKey } = await someReader()
    const { path, seen } = await draft(TEXT)
    const sent = [1, 2, 3].map(() => send(`${path}/publish`, ['seen', seen]))
    for (const { status, headers } of await Promise.all(sent))
      expect([status, headers.location]).toEqual([303, `/n/${feedKey}/1?done=published`])
    expect((await send(`${path}/publish`, ['seen', seen])).status).toBe(303)
    expect(await issues()).toHaveLength(1)
  })

  it('signs what was seen, and nothing else', async () => {
    const { draft, send, issues } = await someReader()
    const { path, seen } = await draft(TEXT)
    // What was typed meanwhile is saved, and shown first.
    const typed = await send(
      `${path}/publish`,
      ['seen', seen],
      ['text', '# Spring tide\r\n\r\nMore.'],
    )
    expect(typed.headers.location).toBe(`${path}?done=changed`)
    const stale = await send(`${path}/publish`, ['seen', seen])
    expect([stale.status, stale.text]).toEqual([422, expect.stringContaining('not what this page')])
    expect(await issues()).toHaveLength(0)
  })

  it('says again what looks wrong, and asks', async () => {
    const { draft, send, issues } = await someReader()
    const text = '# Spring tide\n\n![](gone.png)\n'
    const first = await draft(['text', text])
    expect(first.page).toContain('1 thing to look at: publish it all the same')
    const refused = await send(`${first.path}/publish`, ['seen', first.seen])
    expect([refused.status, await issues()]).toEqual([422, []])
    await send(`${first.path}/publish`, ['seen', first.seen], ['anyway', '1'])
    const second = await draft(['text', text])
    expect(second.page).toContain('The same text is issue 1 already')
    await send(`${second.path}/publish`, ['seen', second.seen], ['anyway', '1'])
    expect(await issues()).toHaveLength(2)
  })
})

describe('what forms say', () => {
  it('of limits', () => {
    const fields = { token: 'x', diskCap: ' 10 GB ', uploadLimit: '', pause: 'on' }
    expect(limitsIn(fields)).toEqual({ diskCap: '10 GB', uploadLimit: null, pause: 'on' })
    expect(limitsIn({})).toEqual({})
  })

  it('of a time', () => {
    expect(timeOf({ when: 'hold', at: '' }, 60)).toEqual({ holdSeconds: 60 })
    expect(timeOf({ when: 'now', at: '' }, 60)).toEqual({})
    expect(timeOf({ when: 'hold', at: '' }, undefined)).toEqual({})
    const at = new Date('2031-02-03T08:00').toISOString()
    expect(timeOf({ when: 'at', at: '2031-02-03T08:00' }, 60)).toEqual({ at })
    expect(() => timeOf({ when: 'at', at: 'soon' }, 60)).toThrow('There is no time.')
    expect(() => timeOf({ when: 'now', at: '2031-02-03T08:00' }, 60)).toThrow('is not chosen')
  })

  it('of a newsletter', () => {
    const typed = { title: ' Tides ', authors: 'Ada <https://a.example>\r\n\r\nBo', website: '' }
    expect(profileIn(typed)).toEqual({
      title: 'Tides',
      authors: [{ name: 'Ada', url: 'https://a.example' }, { name: 'Bo' }],
      remove: ['description', 'language', 'website', 'license', 'support', 'names'],
    })
    const support = 'bitcoin:a\r\nTea <https://a.example/>\r\n'
    const names = 'Tides.Example'
    expect(profileIn({ title: 'T', description: 'a\r\nb', support, names })).toEqual({
      title: 'T',
      description: 'a\nb',
      support: [{ uri: 'bitcoin:a' }, { uri: 'https://a.example/', label: 'Tea' }],
      names: ['tides.example'],
      remove: ['language', 'website', 'license', 'authors'],
    })
    const open = { letters: 'anyone', talk: true }
    expect(profileIn({ title: 'T', letters: 'nobody', talk: 'on' })).toMatchObject(open)
    expect(profileIn({ title: 'T', letters: 'admitted' })).toMatchObject({
      letters: 'admitted',
      talk: false,
    })
  })
})
