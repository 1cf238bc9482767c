import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import type { Operations } from '../api/contract/contract.ts'
import { CODE } from '../places.ts'
import { layout, type Page } from '../site/pages/layout.ts'
import { LOOKS, THEMES, type View } from '../site/pages/parts.ts'
import type { Admission, Device } from './admission.ts'
import type { Previews } from './previews.ts'
import type { AddressSecrets, Secrets } from './state.ts'

/** What every route works with. */
export interface Reader {
  readonly operations: Operations
  /** `http://127.0.0.1:<port>`, known once it listens: where feeds and their pictures can be found. */
  readonly origin: () => string
  /** Names that a browser may use besides those of this machine. */
  readonly hosts?: readonly string[] | undefined
  readonly secrets: Secrets
  readonly admission: Admission
  /** Ends every session. */
  readonly signOut: () => Promise<void>
  readonly assets: Assets
  /** Drafts that are shown. */
  readonly previews: Previews
  /** How long an issue that is published here can be taken back; absent where nothing publishes it after that. */
  readonly holdSeconds?: number | undefined
  /** Aborted when the reader closes. */
  readonly signal: AbortSignal
}

/** What the guard found out about a request. */
export interface Env {
  Variables: {
    /** The request comes from a browser that was let in: with a one-time token, or as a device. */
    session: boolean
    /** Who asks, where that is another device, by a session or by an address made for it. */
    device: Device | undefined
    /** `http://<name>:<port>` by which it asks: what absolute addresses in the answer begin with. */
    origin: string
  }
  Bindings: {
    readonly incoming?: { readonly socket?: Socket }
    /** It came from the network, where nobody but devices is let in. */
    readonly isRemote?: boolean
  }
}

/** The address of whoever asks. */
export function remoteAddress(c: ReaderContext): string {
  return c.env?.incoming?.socket?.remoteAddress ?? ''
}

export type ReaderContext = Context<Env>

/** What a page needs to know about its request. */
export function viewOf(reader: Reader, c: ReaderContext): View {
  const { pathname, search } = new URL(c.req.url)
  const theme = THEMES.find((it) => it === getCookie(c, 'theme')) ?? 'auto'
  return {
    path: localPath(c.req.method === 'GET' ? pathname + search : pathname),
    theme,
    isOwn: c.get('device') === undefined && c.env?.isRemote !== true,
    look: { text: lookIn(c, 'text'), width: lookIn(c, 'width') },
    formToken: reader.secrets.form(c.get('device')?.id),
    stylePath: reader.assets.style.path,
    scriptPath: reader.assets.script.path,
    iconPath: reader.assets.icon.path,
  }
}

/** What is secret in the addresses that whoever asks gets. */
export function secretsOf({ secrets }: Reader, c: ReaderContext): AddressSecrets {
  const device = c.get('device')
  return device === undefined ? secrets : secrets.addressesOf(device.id)
}

function lookIn(c: ReaderContext, name: keyof typeof LOOKS): string {
  return LOOKS[name].find((it) => it === getCookie(c, name)) ?? LOOKS[name][0]
}

export function show(
  c: ReaderContext,
  view: View,
  page: Page,
  status: 200 | 404 | 422 | 500 | 503 = 200,
): Response | Promise<Response> {
  const notice = NOTICES.get(c.req.query('done') ?? '')
  const undo = /^[0-9a-f]{16}$/.exec(c.req.query('undo') ?? '')?.[0]
  return c.html(layout(view, { notice, ...(undo && { undo: `/undo/${undo}` }), ...page }), status)
}

/** Notices by a code in the address, so that no address can put words of its own on a page. */
const NOTICES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    followed: 'You follow it now. Issues arrive in the background.',
    later: 'You follow it now. It is downloaded as soon as a peer that has it is online.',
    left: 'You no longer follow it.',
    read: 'All of them are marked as read.',
    changed: 'The draft is saved. Look at it before you publish it.',
    published: 'Published. Readers get it from now on.',
    scheduled: 'It waits for its time. Until then you can cancel it.',
    cancelled: 'Cancelled: nothing was signed.',
    edited: 'Saved. Readers see it as soon as it reaches them.',
    same: 'Nothing was changed.',
    limits: 'Saved, and in force.',
    amended: 'Amended. Readers get the new edition from now on.',
    written: 'Your letter is on its way. Its state is below.',
    accepted: 'Published. Readers get the letter from now on.',
    declined: 'Declined: it is shown to nobody.',
    answered: 'Published. Readers get your answer from now on.',
    withdrawn: 'Withdrawn: readers are not shown it any more.',
    revoked: 'Your codes count no more.',
    blocked: 'Declined. Letters of its sender are not carried any more.',
    retracted: 'Retracted. Readers remove its text as soon as they hear of it.',
  }),
)

/** A file of the reader's own, under an address that changes with its content. */
export interface Asset {
  readonly path: string
  readonly mediaType: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The style sheet, the script with what it imports, and the icon; all that a page loads besides pictures of issues. */
export interface Assets {
  readonly style: Asset
  readonly script: Asset
  readonly imported: Asset
  readonly icon: Asset
}

/** Reads them once. */
export function loadAssets(): Assets {
  const [script, imported] = load(['reader.js', 'page.js'], 'text/javascript; charset=utf-8')
  const [style] = load(['style.css'], 'text/css; charset=utf-8')
  const [icon] = load(['icon.svg'], 'image/svg+xml')
  if (!script || !imported || !style || !icon) throw new TypeError('Every name gives a file.')
  return { style, script, imported, icon }
}

// Files that name each other are beside each other, and change their address together.
function load(names: readonly string[], mediaType: string): Asset[] {
  const files = names.map((name) => {
    const bytes = new Uint8Array(readFileSync(new URL(`site/assets/${name}`, CODE)))
    return { name, bytes }
  })
  const hash = createHash('sha256')
  for (const { bytes } of files) hash.update(bytes)
  const folder = `/assets/${hash.digest('hex').slice(0, 12)}`
  return files.map(({ name, bytes }) => ({ path: `${folder}/${name}`, mediaType, bytes }))
}

/** A path of this reader to go on to; anything else, such as another site's address, becomes `/`. */
export function localPath(path: unknown): string {
  if (typeof path !== 'string' || path.length > 2_048) return '/'
  return /^\/(?![/\\])[\u0021-\u007e]*$/.test(path) && !path.includes('\\') ? path : '/'
}
