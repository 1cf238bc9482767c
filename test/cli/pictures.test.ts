import { bitmapOf } from '../../src/render/bitmap.ts'
import fc from 'fast-check'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { drawPicture, pictureProtocol } from '../../src/cli/commands/read/read-pictures.ts'
import type { Input, Output } from '../../src/api/contract/contract.ts'
import { answer, Capture, runCli } from '../helpers/cli.ts'

const TIDE = await readFile(new URL('../../fixtures/drafts/images/tide.png', import.meta.url))

const KITTY = { TERM: 'xterm-kitty' }
const ITERM = { TERM: 'xterm-256color', TERM_PROGRAM: 'iTerm.app' }

/** The start of a PNG that claims a size. */
function png(width: number, height: number, more = 0): Uint8Array {
  const bytes = Buffer.alloc(24 + more)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52])
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes
}

/** The start of a JPEG: a mark with a length before the frame. */
function jpeg(width: number, height: number): Uint8Array {
  const bytes = Buffer.from('ffd8ffe00004aabbffc20011080000000003', 'hex')
  bytes.writeUInt16BE(height, 13)
  bytes.writeUInt16BE(width, 15)
  return bytes
}

describe('a bitmap', () => {
  it('is known by its bytes, with its size', () => {
    expect(bitmapOf(TIDE)).toMatchObject({ format: 'png' })
    expect(bitmapOf(png(300, 200))).toEqual({ format: 'png', width: 300, height: 200 })
    expect(bitmapOf(jpeg(300, 200))).toEqual({ format: 'jpeg', width: 300, height: 200 })
  })

  it.each([
    ['nothing', ''],
    ['text', 'PNG'],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['a PNG cut off', Buffer.from(png(1, 1)).subarray(0, 20)],
    ['a PNG without width', png(0, 5)],
    ['a JPEG without a frame', Buffer.from('ffd8ffd9', 'hex')],
    ['an escape sequence', '\u001b]1337;File=inline=1:AAAA\u0007'],
  ])('is not %s', (_, bytes) => {
    expect(bitmapOf(Buffer.from(bytes))).toBeUndefined()
  })

  it('is looked for in any bytes without harm', () => {
    const starts = fc.constantFrom('', 'ffd8', 'ffd8ff', '89504e470d0a1a0a0000000d49484452')
    fc.assert(
      fc.property(starts, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        const found = bitmapOf(Buffer.concat([Buffer.from(start, 'hex'), rest]))
        expect(found?.width ?? 1).toBeGreaterThan(0)
      }),
    )
  })
})

describe('the terminal', () => {
  it.each([
    ['kitty', KITTY],
    ['kitty', { TERM: 'xterm-256color', KITTY_WINDOW_ID: '1' }],
    ['kitty', { TERM: 'xterm-ghostty' }],
    ['iterm', ITERM],
    ['iterm', { TERM_PROGRAM: 'WezTerm' }],
    [undefined, {}],
    [undefined, { TERM: 'xterm-256color' }],
    [undefined, { TERM_PROGRAM: 'Apple_Terminal' }],
    [undefined, { ...KITTY, TMUX: '/tmp/tmux-0/default,1,0' }],
    [undefined, { ...ITERM, TERM: 'screen-256color' }],
    [undefined, { ...ITERM, TERM: 'dumb' }],
  ])('takes pictures by %s with %j', (protocol, env) => {
    expect(pictureProtocol(env)).toBe(protocol)
  })

  it('of kitty gets a PNG in pieces, the last of which says so', () => {
    const bytes = png(300, 200, 10_000)
    const drawn = drawPicture('kitty', bytes, 80) ?? ''
    // eslint-disable-next-line no-control-regex
    const pieces = [...drawn.matchAll(/\u001b_G([^;]*);([A-Za-z0-9+/=]*)\u001b\\/g)]
    expect(pieces.map(([whole]) => whole).join('') + '\n').toBe(drawn)
    expect(pieces.map(([, keys]) => keys)).toEqual(['a=T,f=100,q=2,c=30,m=1', 'm=1', 'm=1', 'm=0'])
    expect(pieces.every(([, , data = '']) => data.length <= 4_096)).toBe(true)
    const joined = pieces.map(([, , data]) => data).join('')
    expect(Buffer.from(joined, 'base64').equals(bytes)).toBe(true)
  })

  it('of iTerm2 gets a PNG or a JPEG at once', () => {
    for (const bytes of [png(300, 200), jpeg(300, 200)]) {
      const base64 = Buffer.from(bytes).toString('base64')
      expect(drawPicture('iterm', bytes, 80)).toBe(
        `\u001b]1337;File=inline=1;size=${bytes.byteLength};width=30:${base64}\u0007\n`,
      )
    }
  })

  it('gets no picture that is wider or higher than fits', () => {
    expect(drawPicture('iterm', png(5_000, 100), 60)).toContain('width=60:')
    expect(drawPicture('iterm', png(1_000, 6_000), 60)).toContain('width=10:')
    expect(drawPicture('iterm', png(1, 60_000), 60)).toContain('width=1:')
  })

  it.each([
    ['claims more pixels than memory', 'iterm', png(60_000, 60_000)],
    ['claims all pixels there are', 'kitty', png(0xff_ff_ff_ff, 0xff_ff_ff_ff)],
    ['is too long', 'iterm', png(10, 10, 4 * 1_024 * 1_024)],
    ['is no PNG, for kitty', 'kitty', jpeg(10, 10)],
  ] as const)('gets no picture that %s', (_, protocol, bytes) => {
    expect(drawPicture(protocol, bytes, 80)).toBeUndefined()
  })
})

const issue: Output<'readIssue'> = {
  feedKey: 'y'.repeat(52),
  newsletter: 'Tide Tables',
  number: 2,
  title: 'Spring tides',
  publishedAt: '2026-03-02T12:00:00Z',
  markdown: 'High water.\n',
  attachments: [
    {
      name: 'tide.png',
      mediaType: 'image/png',
      bytes: TIDE.byteLength,
      held: true,
      alt: 'A \u001b[31mtide',
    },
    { name: 'fake.png', mediaType: 'image/png', bytes: 9, held: true },
    { name: 'far.png', mediaType: 'image/png', bytes: 9, held: false },
    { name: 'huge.png', mediaType: 'image/png', bytes: 5_000_000, held: true },
    { name: 'drawing.svg', mediaType: 'image/svg+xml', bytes: 9, held: true },
    { name: 'sound.mp3', mediaType: 'audio/mpeg', bytes: 9, held: true },
  ],
  editions: 1,
  verified: true,
}

async function read(
  env: NodeJS.ProcessEnv,
  {
    argv = [],
    shown = issue,
    isTTY = true,
  }: { argv?: string[]; shown?: typeof issue; isTTY?: boolean } = {},
) {
  const asked: string[] = []
  const operations = {
    readIssue: answer(shown),
    listNewsletters: answer([]),
    async *readAttachment({ name }: Input<'readAttachment'>) {
      asked.push(name)
      yield await Promise.resolve(name === 'tide.png' ? TIDE : Buffer.from('\u001b]0;evil\u0007'))
    },
  }
  const stdout = new Capture({ isTTY })
  const result = await runCli(['read', 'Tides', '2', ...argv], { operations, stdout, env })
  return { ...result, asked }
}

describe('read', () => {
  it('draws the pictures that are here below the text, and offers to save the others', async () => {
    const { stdout, stderr, asked } = await read(ITERM)
    expect(asked).toEqual(['tide.png', 'fake.png'])
    const data = TIDE.toString('base64')
    expect(stdout).toContain(`:${data}\u0007\n`)
    expect(stdout.split('\u001b]')).toHaveLength(2)
    expect(stdout).toContain('tide.png: A tide')
    expect(stdout).not.toContain('evil')
    expect(stderr).toContain('hyperletter save Tides 2')
  })

  it('offers nothing where every picture was drawn', async () => {
    const shown = { ...issue, attachments: issue.attachments.slice(0, 1) }
    const { stdout, stderr } = await read(KITTY, { shown })
    expect(stdout).toContain('\u001b_Ga=T')
    expect(stderr).not.toContain('hyperletter save')
  })

  it('offers to save them where the terminal takes none', async () => {
    const { stdout, stderr, asked } = await read({ TERM: 'xterm-256color' })
    expect(asked).toEqual([])
    expect(stdout).not.toContain('1337')
    expect(stderr).toContain('hyperletter save Tides 2')
    expect(stderr).toContain('read Tides 2 --browser')
  })

  it.each([
    ['--no-pictures', { argv: ['--no-pictures'] }],
    ['--json', { argv: ['--json'] }],
    ['--markdown', { argv: ['--markdown'] }],
    ['--html', { argv: ['--html'] }],
    ['a pipe', { isTTY: false }],
    ['a text that is not verified', { shown: { ...issue, verified: false } }],
  ])('draws none with %s', async (_, options) => {
    const { stdout, asked } = await read(KITTY, options)
    expect(asked).toEqual([])
    expect(stdout).not.toContain('\u001b_G')
  })
})
