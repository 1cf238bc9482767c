import { html } from 'hono/html'
import { empty, newsletterPath, words, type Markup, type Newsletter } from './parts.ts'

export interface FeedAddresses {
  readonly newsletter: Newsletter
  readonly atom: string
  readonly json: string
}

/** Addresses for the apps in which people read already. */
export function feedsPage(
  addresses: readonly FeedAddresses[],
  all: { readonly atom: string; readonly json: string; readonly opml: string },
): Markup {
  return html`<header class="page-head">
      <h1>Feeds</h1>
      <p class="lede">
        Read in the app you already use. These addresses work on this machine, whenever the reader
        runs, and do not change.
      </p>
    </header>
    ${
      addresses.length === 0
        ? empty(
            'No feeds yet',
            'Each newsletter you follow has one, with the full text of all its issues.',
            html`<a class="button primary" href="/add">Add a newsletter</a>`,
          )
        : html`<section class="card">
              <h2>Everything you follow</h2>
              ${fields('all', all.atom, all.json)}
              <dl class="addresses">
                <dt><label for="opml">List of all feeds (OPML), to import at once</label></dt>
                <dd><input id="opml" class="copy" readonly value="${all.opml}" /></dd>
              </dl>
            </section>
            <br />
            <ul class="cards">
              ${addresses.map(
                ({ newsletter, atom, json }) =>
                  html`<li class="card" id="${newsletter.feedKey}">
                    <h2>
                      <a href="${newsletterPath(newsletter.feedKey)}"
                        >${words(newsletter.title ?? newsletter.feedKey)}</a
                      >
                    </h2>
                    ${newsletter.private ? html`<p class="over">Private: whoever has this address can read it on this machine.</p>` : ''}${fields(newsletter.feedKey, atom, json)}
                  </li>`,
              )}
            </ul>`
    }`
}

function fields(id: string, atom: string, json: string): Markup {
  return html`<dl class="addresses">
    <dt><label for="atom-${id}">Atom</label></dt>
    <dd><input id="atom-${id}" class="copy" readonly value="${atom}" /></dd>
    <dt><label for="json-${id}">JSON Feed</label></dt>
    <dd><input id="json-${id}" class="copy" readonly value="${json}" /></dd>
  </dl>`
}
