import { describe, expect, it } from 'vitest'
import { openPeer } from '../helpers/peers.ts'
import { startReader } from '../helpers/readers.ts'

const KEY = 'y'.repeat(52)
const BOUNDARY = 'a-boundary'

function list(...urls: readonly string[]): string {
  const outlines = urls.map((url) => `<outline text="&lt;b&gt; tides" xmlUrl="${url}"/>`)
  return `<opml version="2.0"><head/><body>${outlines.join('')}</body></opml>`
}

/** A reader of an empty library, and its form for lists, as a browser sends it. */
async function emptyReader() {
  const { operations } = await openPeer([], { isOnline: false })
  const reader = await startReader(operations)
  const { text } = await reader.visit('/add')
  const token = /name="token"\s+value="([0-9a-f]+)"/.exec(text)?.[1] ?? ''
  const send = (fields: Readonly<Record<string, string>>) => {
    const parts = Object.entries({ token, ...fields }).map(([name, value]) => {
      const file = name === 'file' ? '; filename="my.opml"' : ''
      const type = name === 'file' ? 'Content-Type: text/x-opml\r\n' : ''
      return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${type}\r\n${value}\r\n`
    })
    return reader.visit('/import', {
      method: 'POST',
      headers: {
        origin: reader.origin,
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      },
      body: `${parts.join('')}--${BOUNDARY}--\r\n`,
    })
  }
  return { operations, send }
}

describe('an OPML list in the browser', () => {
  it('is followed, pasted or as a file, and what is left out is named', async () => {
    const { operations, send } = await emptyReader()
    const pasted = await send({ opml: list(`hyperletter://${KEY}`, 'https://example.org/feed') })
    expect(pasted.status).toBe(200)
    expect(pasted.text).toContain('You follow 1 newsletter more')
    expect(pasted.text).toContain(`href="/n/${KEY}"`)
    expect(pasted.text).toContain('an ordinary feed')
    expect(pasted.text).not.toContain('<b> tides')
    expect(await operations.listNewsletters({})).toMatchObject([{ feedKey: KEY }])
    const file = await send({ opml: '', file: list(`hyperletter://${KEY}`) })
    expect(file.text).toContain('Nothing new in the list')
  })

  it.each([
    ['empty', ''],
    ['no list', 'hello'],
    ['hostile', `<!DOCTYPE opml [<!ENTITY x "y">]>${list(`hyperletter://${KEY}`)}`],
    ['too long', list(`hyperletter://${KEY}`) + ' '.repeat(1_024 * 1_024)],
  ])('that is %s is refused in words', async (_, opml) => {
    const { operations, send } = await emptyReader()
    const { status, text } = await send({ opml })
    expect(status).toBe(422)
    expect(text).toContain('That did not work.')
    expect(await operations.listNewsletters({})).toEqual([])
  })

  it('that is beyond all measure is not even read', async () => {
    const { send } = await emptyReader()
    expect((await send({ opml: 'x'.repeat(3 * 1_024 * 1_024) })).status).toBe(413)
  })

  it('needs the token of our own form', async () => {
    const { operations, send } = await emptyReader()
    const { status } = await send({ token: 'x', opml: list(`hyperletter://${KEY}`) })
    expect(status).toBe(422)
    expect(await operations.listNewsletters({})).toEqual([])
  })
})
