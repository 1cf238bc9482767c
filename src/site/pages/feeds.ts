import { html } from 'hono/html'
import type { AllAddresses, FeedAddresses } from '../syndication/addresses.ts'
import { empty, newsletterPath, words, type Markup, pageHead } from './parts.ts'

const LEDE =
  'Read in the app you already use. These addresses work on this machine, whenever the reader runs, and do not change.'

/** Addresses for the apps in which people read already. */
export function feedsPage({ newsletters, everything, opml, completeOpml }: AllAddresses): Markup {
  const more = html`<p class="over">
    A feed has the newest issues, and the older ones as further pages. Apps that ignore paged feeds,
    such as newsboat, get the whole archive with “all issues at once”.
  </p>`
  return html`${pageHead('Feeds', LEDE, more)}
  ${
    newsletters.length === 0
      ? empty(
          'No feeds yet',
          'Each newsletter you follow has one, with the full text of all its issues.',
          html`<a class="button primary" href="/add">Add a newsletter</a>`,
        )
      : html`<section class="card">
            <h2>Everything you follow</h2>
            ${fields('all', everything)}
            <dl class="addresses">
              ${field('opml', 'List of all feeds (OPML), to import at once', opml)}${field('complete-opml', 'The same with all issues at once', completeOpml)}
            </dl>
          </section>
          <br />
          <ul class="cards">
            ${newsletters.map(
              ({ newsletter, title, ...addresses }) =>
                html`<li class="card" id="${newsletter.feedKey}">
                  <h2>
                    <a href="${newsletterPath(newsletter.feedKey)}">${words(title)}</a>
                  </h2>
                  ${newsletter.private ? html`<p class="over">Private: whoever has this address can read it on this machine.</p>` : ''}${fields(newsletter.feedKey, addresses)}
                </li>`,
            )}
          </ul>`
  }`
}

function fields(id: string, { atom, json, completeAtom }: FeedAddresses): Markup {
  return html`<dl class="addresses">
    ${field(`atom-${id}`, 'Atom', atom)}${field(`json-${id}`, 'JSON Feed', json)}${field(`complete-${id}`, 'Atom, all issues at once', completeAtom)}
  </dl>`
}

function field(id: string, label: string, address: string): Markup {
  return html`<dt><label for="${id}">${label}</label></dt>
    <dd><input id="${id}" class="copy" readonly value="${address}" /></dd>`
}
