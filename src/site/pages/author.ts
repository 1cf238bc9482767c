import { html } from 'hono/html'
import type { HyperletterError } from '../../errors.ts'
import type { Output } from '../../api/contract/contract.ts'
import { MAX_WORK_BITS, MIN_WORK_BITS } from '../../format/records/bodies.ts'
import { formatSupport } from '../../format/support.ts'
import { choice, field, optionsOf, selectField, textField } from './fields.ts'
import {
  failure,
  issuePath,
  newsletterPath,
  pageHead,
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
  return html`${pageHead('Profile', html`What readers see of <a href="${path}">your newsletter</a>`)}
    ${error === undefined ? '' : failure(error)}
    <form method="post" action="${path}/edit" class="draft-form">
      <input type="hidden" name="token" value="${view.formToken}" />
      ${field('title', 'Title', { value: title, required: true, maxlength: 256 })}
      ${textField('description', 'Description', description, { rows: 4, maxlength: 4096 })}
      ${textField('authors', 'Authors, one a line: “Name” or “Name <https://…>”', names, { rows: 2 })}
      ${field('language', 'Language tag', { value: language, placeholder: 'en, pt-BR' })}
      ${field('website', 'Web address', { value: website, placeholder: 'https://…' })}
      ${field('license', 'Licence of the texts', { value: license, placeholder: 'CC-BY-4.0' })}
      ${textField('support', ADDRESSES, payments, { rows: 4 })}
      ${textField('names', 'Domains that are yours, one a line, such as “tides.example”', domains, { rows: 2 })}
      ${selectField('letters', 'Who may write letters to you', optionsOf(SENDERS, letters))}
      ${field('work', WORK, { type: 'number', min: MIN_WORK_BITS, max: MAX_WORK_BITS, value: work })}
      <p>
        ${choice('Readers may talk with each other: not moderated, not kept', { id: 'talk', name: 'talk', checked: talk !== false })}
      </p>
      <p class="over">
        It is signed like an issue. Readers see the newest profile; the ones before stay in the
        signed log.
      </p>
      <p><button class="button primary">Save</button></p>
    </form>`
}

const ADDRESSES =
  'Payment addresses, one a line: “bitcoin:…”, “lightning:…”, “monero:…”, “payto://iban/…”, “https://…” or “Label <address>”'
const WORK =
  'Bits of work that a letter of somebody unknown to you needs: 18 take a second, each more doubles it'

const SENDERS: readonly (readonly [string, string])[] = [
  ['nobody', 'Nobody'],
  ['anyone', 'Anyone; a first letter takes some work'],
  ['admitted', 'People to whom you gave a code, and those you published before'],
]

/** `Name` or `Name <https://…>`; what else it may be is for the contract to refuse. */
export function authorOf(text: string): { name: string; url?: string } {
  const { name = text, url } =
    /^(?<name>[^<>]+?)\s*<(?<url>[^<>]*)>$/.exec(text.trim())?.groups ?? {}
  return url === undefined ? { name: name.trim() } : { name, url }
}

/** Says what a retraction does, and what it cannot do, before it is done. */
export function retractPage(view: View, issue: IssueText): Markup {
  const path = issuePath(issue.feedKey, issue.number)
  return html`${pageHead(`Retract issue ${issue.number}?`, words(issue.title))}
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
      ${field('reason', 'Why, for readers (optional)', { maxlength: 4096 })}
      <p>${choice('I know that this cannot be undone', { name: 'sure', required: true })}</p>
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
