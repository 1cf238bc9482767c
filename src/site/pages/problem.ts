import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import { singleLine } from '../../render/plain.ts'
import { button, type Markup } from './parts.ts'

const TITLES: Readonly<Record<string, string>> = {
  NEWSLETTER_NOT_FOUND: 'No such newsletter here',
  ISSUE_NOT_FOUND: 'Nothing here',
  INVALID_INPUT: 'That did not work',
  NOT_AVAILABLE: 'No peer has it now',
  TIMEOUT: 'It took too long',
  NEEDS_KEY: 'This newsletter is private',
  DAEMON_NOT_RUNNING: 'The daemon went away',
  FEED_CONFLICT: 'Two histories under one key',
}

export function problemTitle(error: HyperletterError): string {
  return TITLES[error.code] ?? 'Something went wrong'
}

/** What went wrong, and what to do now. `path` is the address that was asked for. */
export function problemPage(error: HyperletterError, path: string): Markup {
  const [hint, to, label] = wayOn(error, path)
  return html`<section class="empty">
    <h1>${problemTitle(error)}</h1>
    <p><bdi>${singleLine(error.message)}</bdi></p>
    ${hint === undefined ? '' : html`<p class="over">${withCommands(singleLine(hint))}</p>`}
    <p><a class="button plain" href="${to}">${label}</a></p>
  </section>`
}

// The table of errors names commands; where a page does the same, that is named instead.
function wayOn(error: HyperletterError, path: string): [string | undefined, string, string] {
  if (error.code === 'NEWSLETTER_NOT_FOUND') {
    return ['Paste its link to add it.', '/newsletters', 'See what is here']
  }
  if (error.code === 'ISSUE_NOT_FOUND') {
    const [newsletter] = /^\/n\/[a-z0-9]{52}(?=\/)/.exec(path) ?? []
    return newsletter === undefined
      ? [undefined, '/', 'Back to the inbox']
      : [undefined, newsletter, 'All issues of the newsletter']
  }
  return [error.hint, '/', 'Back to the inbox']
}

/** Commands stand in a hint between backticks. */
function withCommands(hint: string): Markup[] {
  return hint
    .split('`')
    .map((it, index) => (index % 2 === 0 ? html`${it}` : html`<code>${it}</code>`))
}

/** The page for a browser without a session. It tells nothing about what is held here. */
export function doorPage(path: string, stylePath: string, used: boolean): Markup {
  return bare(
    'Open your reader',
    stylePath,
    html`<p>
        ${used ? 'This address was used already, or is too old.' : 'Your newsletters are only for you, so this page opens with an address from your own terminal:'}
      </p>
      <pre><code>hyperletter open</code></pre>
      <p class="over">Opened it in this browser before? <a href="${path}">Go on from here.</a></p>`,
  )
}

/** The same for a browser on another device. */
export function deviceDoorPage(stylePath: string): Markup {
  return bare(
    'Not let in',
    stylePath,
    html`<p>
        This device is not let in, or no longer. On the machine that Hyperletter runs on, add it and
        scan the code:
      </p>
      <pre><code>hyperletter devices add</code></pre>`,
  )
}

/** Leads a browser on that has just been let in. */
export function enteredPage(path: string, stylePath: string): Markup {
  return bare(
    'Your reader',
    stylePath,
    html`<p><a href="${path}">Go on to your newsletters</a></p>`,
    html`<meta http-equiv="refresh" content="0;url=${path}" />`,
  )
}

/** Asks before every session is ended. */
export function signOutPage(): Markup {
  return html`<section class="empty">
    <h1>Sign out everywhere</h1>
    <p>
      Every browser is signed out, this one too. The addresses of private feeds and of pictures in
      feeds change: add private feeds to your feed app again. <code>hyperletter open</code> signs a
      browser in.
    </p>
    <p>${button('/sign-out', 'Sign out everywhere', { kind: 'primary' })}</p>
  </section>`
}

function bare(title: string, stylePath: string, body: Markup, head: Markup | '' = ''): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${head}
        <title>${title} · Hyperletter</title>
        <link rel="stylesheet" href="${stylePath}" />
      </head>
      <body>
        <main id="content">
          <section class="empty">
            <h1>${title}</h1>
            ${body}
          </section>
        </main>
      </body>
    </html>`
}
