import { html } from 'hono/html'
import { singleLineOf, type Markup, type NewsletterSummary } from './parts.ts'

/** Attributes by name: a true one stands without a value, and one that is false or undefined is left out. */
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** A field of one line below its label, whose name is its id unless `attributes` say otherwise. */
export function field(id: string, label: Markup | string, attributes: Attributes = {}): Markup {
  return labelled(id, label, html`<input ${written({ id, name: id, ...attributes })} />`)
}

/** The same of several lines. */
export function textField(
  id: string,
  label: Markup | string,
  text: string | undefined,
  attributes: Attributes,
): Markup {
  const area = html`<textarea ${written({ id, name: id, ...attributes })}>${text}</textarea>`
  return labelled(id, label, area)
}

/** The same of a value that is chosen. */
export function selectField(
  id: string,
  label: Markup | string,
  choices: Markup[],
  name = id,
): Markup {
  return labelled(
    id,
    label,
    html`<select id="${id}" name="${name}">
      ${choices}
    </select>`,
  )
}

/** What a selection offers: values with what they are called. */
export function optionsOf<T extends string | number>(
  choices: readonly (readonly [value: T, label: string])[],
  chosen: T | undefined,
): Markup[] {
  return choices.map(
    ([value, label]) =>
      html`<option ${written({ value, selected: value === chosen })}>${label}</option>`,
  )
}

/** Newsletters to choose from. @param more what else is said of each */
export function newsletterOptions(
  newsletters: readonly NewsletterSummary[],
  chosen: string | undefined,
  more: (newsletter: NewsletterSummary) => string = () => '',
): Markup[] {
  const nameOf = (it: NewsletterSummary) => singleLineOf(it.title ?? it.feedKey.slice(0, 8))
  return optionsOf(
    newsletters.map((it) => [it.feedKey, nameOf(it) + more(it)] as const),
    chosen,
  )
}

/** A box to tick, before its words; or, with that as its type, one of several choices. */
export function choice(label: Markup | string, attributes: Attributes): Markup {
  const box = { type: 'checkbox', value: '1', ...attributes }
  return html`<label class="choice"><input ${written(box)} /> ${label}</label>`
}

function labelled(id: string, label: Markup | string, control: Markup): Markup {
  return html`<p><label for="${id}">${label}</label> ${control}</p>`
}

function written(attributes: Attributes): Markup[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    return [value === true ? html` ${name}` : html` ${name}="${value}"`]
  })
}
