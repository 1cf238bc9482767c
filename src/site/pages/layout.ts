import { html } from 'hono/html'
import { singleLine } from '../../render/plain.ts'
import { actions, button, THEMES, type Markup, type Theme, type View } from './parts.ts'

export type NavigationSection =
  'inbox' | 'newsletters' | 'search' | 'seeding' | 'add' | 'feeds' | 'write' | 'none'

export interface Page {
  readonly title: string
  readonly place: NavigationSection
  readonly body: Markup
  /** `issue`, or a list that more may be added to: what the script does with the page. */
  readonly kind?: 'issue' | 'list' | 'live' | 'preview'
  /** More than one column of text. */
  readonly wide?: boolean
  /** One line that says what was just done. */
  readonly notice?: string | undefined
  /** What takes that back. */
  readonly undo?: string
}

const NAVIGATION: readonly (readonly [NavigationSection, string, string])[] = [
  ['inbox', '/', 'Inbox'],
  ['newsletters', '/newsletters', 'Newsletters'],
  ['search', '/search', 'Search'],
  ['seeding', '/seeding', 'Seeding'],
  ['feeds', '/feeds', 'Feeds'],
  ['add', '/add', 'Add'],
]

/** Only on the machine itself. */
const OWN_NAVIGATION: typeof NAVIGATION = [['write', '/write', 'Write']]

const KEYS: readonly (readonly [string, string])[] = [
  ['j', 'next issue'],
  ['k', 'previous issue'],
  ['o', 'open the issue'],
  ['s', 'star it, or take the star away'],
  ['m', 'mark it as read, or as unread'],
  ['u', 'up: back to the list'],
  ['a', 'accept the letter'],
  ['r', 'answer the letter'],
  ['d', 'decline the letter'],
  ['b', 'block its sender'],
  ['/', 'search'],
  ['?', 'these keys'],
]

const THEME_LABELS: Readonly<Record<Theme, string>> = {
  auto: 'Automatic',
  light: 'Light',
  dark: 'Dark',
}

export function layout(view: View, page: Page): Markup {
  const theme = view.theme === 'auto' ? '' : html` data-theme="${view.theme}"`
  const { text = 'normal', width = 'normal' } = view.look ?? {}
  return html`<!doctype html>
    <html lang="en" ${theme} data-text="${text}" data-width="${width}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="${view.theme === 'auto' ? 'light dark' : view.theme}" />
        <title>${singleLine(page.title)} · Hyperletter</title>
        <link rel="icon" href="${view.iconPath}" />
        <link rel="stylesheet" href="${view.stylePath}" />
        <script src="${view.scriptPath}" type="module"></script>
      </head>
      <body data-kind="${page.kind ?? 'page'}">
        <a class="skip" href="#content">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/" aria-label="Hyperletter, inbox"
            ><svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
              <path
                d="M4 8h24v16H4z M4 9.500 16 18l12-8.500"
                fill="none"
                stroke="currentColor"
                stroke-width="2.200"
                stroke-linejoin="round"
              /></svg
            ><span>Hyperletter</span></a
          >
          <nav aria-label="Main">
            ${[...NAVIGATION, ...(view.isOwn === true ? OWN_NAVIGATION : [])].map(
              ([place, path, label]) =>
                html`<a href="${path}" ${place === page.place ? html` aria-current="page"` : ''}
                  >${label}</a
                >`,
            )}
          </nav>
        </header>
        <p
          class="notice"
          id="arrivals"
          role="status"
          ${page.notice === undefined ? html` hidden` : ''}
        >
          ${page.notice ?? ''} ${page.undo === undefined ? '' : button(page.undo, 'Undo')}
        </p>
        <main id="content" tabindex="-1" ${page.wide === true ? html` class="wide"` : ''}>
          ${actions(view)} ${page.body}
        </main>
        <footer class="bottom">
          <p>
            Stored on this machine, shared by its readers.
            <span class="keys-hint">Press <kbd>?</kbd> for keys.</span>
            ${view.isOwn === true ? html`<a href="/sign-out">Sign out everywhere</a>` : ''}
          </p>
          <form method="post" action="/theme" class="themes" aria-label="Theme">
            <input type="hidden" name="token" value="${view.formToken}" /><input
              type="hidden"
              name="back"
              value="${view.path}"
            />
            ${THEMES.map(
              (it) =>
                html`<button
                  name="theme"
                  value="${it}"
                  aria-pressed="${it === view.theme ? 'true' : 'false'}"
                >
                  ${THEME_LABELS[it]}
                </button>`,
            )}
          </form>
        </footer>
        <dialog id="keys" aria-labelledby="keys-title">
          <h2 id="keys-title">Keys</h2>
          <dl>
            ${KEYS.map(
              ([key, what]) =>
                html`<div>
                  <dt><kbd>${key}</kbd></dt>
                  <dd>${what}</dd>
                </div>`,
            )}
          </dl>
          <form method="dialog"><button class="button plain">Close</button></form>
        </dialog>
      </body>
    </html>`
}
