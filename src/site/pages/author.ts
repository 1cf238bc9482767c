import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import type { Output } from '../../api/contract/contract.ts'
import { MAX_WORK_BITS, MIN_WORK_BITS } from '../../format/records/bodies.ts'
import { formatSupport } from '../../format/support.ts'
import {
  failure,
  issuePath,
  newsletterPath,
  words,
  type IssueText,
  type Markup,
  type View,
} from './parts.ts'

type Profile = Output<'editNewsletter'>

/** The profile as it is, or as somebody typed it. */
export type ProfileView = Pick<Profile, 'feedKey'> & {
  readonly [Name in 'title' | 'description' | 'language' | 'website' | 'license']?:
    string | undefined
} & {
  readonly authors?: Profile['authors'] | string
  readonly support?: Profile['support'] | string
  readonly names?: Profile['names'] | string
  readonly letters?: string | undefined
  readonly work?: number | string | undefined
  readonly talk?: boolean | string | undefined
}

/** What readers see of a newsletter, to be changed. */
export function profilePage(view: View, profile: ProfileView, error?: HyperletterError): Markup {
  const {
    feedKey,
    title,
    description,
    language,
    authors,
    website,
    license,
    support,
    names: named,
    letters = 'nobody',
    work,
    talk = false,
  } = profile
  const path = newsletterPath(feedKey)
  const names = linesOf(authors, ({ name, url }) => (url === undefined ? name : `${name} <${url}>`))
  const payments = linesOf(support, formatSupport)
  const domains = linesOf(named, String)
  const field = (name: string, label: string, value: string | undefined, hint = '') =>
    html`<p>
      <label for="${name}">${label}</label>
      <input id="${name}" name="${name}" value="${value ?? ''}" placeholder="${hint}" />
    </p>`
  return html`<header class="page-head">
      <h1>Profile</h1>
      <p class="lede">What readers see of <a href="${path}">your newsletter</a></p>
    </header>
    ${error === undefined ? '' : failure(error)}
    <form method="post" action="${path}/edit" class="draft-form">
      <input type="hidden" name="token" value="${view.formToken}" />
      <p>
        <label for="title">Title</label>
        <input id="title" name="title" required maxlength="256" value="${title ?? ''}" />
      </p>
      <p>
        <label for="description">Description</label>
        <textarea id="description" name="description" rows="4" maxlength="4096">
${description ?? ''}</textarea>
      </p>
      <p>
        <label for="authors">Authors, one a line: “Name” or “Name &lt;https://…&gt;”</label>
        <textarea id="authors" name="authors" rows="2">${names}</textarea>
      </p>
      ${field('language', 'Language tag', language, 'en, pt-BR')}
      ${field('website', 'Web address', website, 'https://…')}
      ${field('license', 'Licence of the texts', license, 'CC-BY-4.0')}
      <p>
        <label for="support"
          >Payment addresses, one a line: “bitcoin:…”, “lightning:…”, “monero:…”, “payto://iban/…”,
          “https://…” or “Label &lt;address&gt;”</label
        >
        <textarea id="support" name="support" rows="4">${payments}</textarea>
      </p>
      <p>
        <label for="names">Domains that are yours, one a line, such as “tides.example”</label>
        <textarea id="names" name="names" rows="2">${domains}</textarea>
      </p>
      <p>
        <label for="letters">Who may write letters to you</label>
        <select id="letters" name="letters">
          ${SENDERS.map(([value, label]) => html`<option value="${value}" ${value === letters ? html`selected` : ''}>${label}</option>`)}
        </select>
      </p>
      <p>
        <label for="work"
          >Bits of work that a letter of somebody unknown to you needs: 18 take a second, each more
          doubles it</label
        >
        <input
          id="work"
          name="work"
          type="number"
          min="${MIN_WORK_BITS}"
          max="${MAX_WORK_BITS}"
          value="${work ?? ''}"
        />
      </p>
      <p>
        ${choice('talk', 'Readers may talk with each other: not moderated, not kept', talk !== false)}
      </p>
      <p class="over">
        It is signed like an issue. Readers see the newest profile; the ones before stay in the
        signed log.
      </p>
      <p><button class="button primary">Save</button></p>
    </form>`
}

const SENDERS = [
  ['nobody', 'Nobody'],
  ['anyone', 'Anyone; a first letter takes some work'],
  ['admitted', 'People to whom you gave a code, and those you published before'],
] as const

function choice(name: string, label: string, isChosen: boolean): Markup {
  return html`<label class="choice"
    ><input
      type="checkbox"
      id="${name}"
      name="${name}"
      value="1"
      ${isChosen ? html`checked` : ''}
    />
    ${label}</label
  >`
}

/** `Name` or `Name <https://…>`; what else it may be is for the contract to refuse. */
export function authorOf(text: string): { name: string; url?: string } {
  const { name = text, url } =
    /^(?<name>[^<>]+?)\s*<(?<url>[^<>]*)>$/.exec(text.trim())?.groups ?? {}
  return url === undefined ? { name: name.trim() } : { name, url }
}

/** Says what a retraction does, and what it cannot do, before it is done. */
export function retractPage(view: View, issue: IssueText): Markup {
  const path = issuePath(issue.feedKey, issue.number)
  return html`<header class="page-head">
      <h1>Retract issue ${issue.number}?</h1>
      <p class="lede">${words(issue.title)}</p>
    </header>
    <ul class="effects">
      <li>
        Its text and files leave this disk, and that of every reader, as soon as they hear of it.
      </li>
      <li>Its number, its title and your reason stay in the signed log for good.</li>
      <li>It cannot be undone. You can publish the text anew, as another issue.</li>
      <li>Copies, printouts and forwarded mails remain.</li>
    </ul>
    <form method="post" action="${path}/retract" class="draft-form">
      <input type="hidden" name="token" value="${view.formToken}" />
      <p>
        <label for="reason">Why, for readers (optional)</label>
        <input id="reason" name="reason" maxlength="4096" />
      </p>
      <p>
        <label class="choice"
          ><input type="checkbox" name="sure" value="1" required /> I know that this cannot be
          undone</label
        >
      </p>
      <p>
        <button class="button danger">Retract</button>
        <a class="button plain" href="${path}">Keep it</a>
      </p>
    </form>`
}

/** A list as a form has it, one a line; what was typed is shown as it is. */
function linesOf<T>(list: string | readonly T[] | undefined, write: (it: T) => string): string {
  return typeof list === 'string' ? list : (list ?? []).map((it) => write(it)).join('\n')
}
