import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import { singleLine } from '../../render/plain.ts'
import type { Markup } from './parts.ts'

const TITLES: Readonly<Record<string, string>> = {
  NEWSLETTER_NOT_FOUND: 'No such newsletter here',
  ISSUE_NOT_FOUND: 'Nothing here',
  INVALID_INPUT: 'That did not work',
  NOT_AVAILABLE: 'Nobody has it now',
  TIMEOUT: 'It took too long',
  NEEDS_KEY: 'This newsletter is private',
  DAEMON_NOT_RUNNING: 'The daemon went away',
  FEED_CONFLICT: 'Two histories under one key',
}

/** Title of the page for an error. */
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
    return ['Its link is all that it takes to add it.', '/newsletters', 'See what is here']
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

/** What somebody sees who has no session yet. It tells nothing of what is held here. */
export function doorPage(path: string, stylePath: string, used: boolean): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Open your reader · Hyperletter</title>
        <link rel="stylesheet" href="${stylePath}" />
      </head>
      <body>
        <main id="content">
          <section class="empty">
            <h1>Open your reader</h1>
            <p>
              ${used ? 'This address was used already, or is too old.' : 'Your newsletters are only for you, so this page opens with an address from your own terminal:'}
            </p>
            <pre><code>hyperletter open</code></pre>
            <p class="over">
              Opened it in this browser before? <a href="${path}">Go on from here.</a>
            </p>
          </section>
        </main>
      </body>
    </html>`
}
