import type { Element, Properties, Root, RootContent } from 'hast'

/** HTML's name of each property that the allow list lets through; no other one is written. */
const ATTRIBUTE_NAMES: ReadonlyMap<string, string> = new Map([
  ['align', 'align'],
  ['alt', 'alt'],
  ['ariaLabel', 'aria-label'],
  ['className', 'class'],
  ['colSpan', 'colspan'],
  ['dateTime', 'datetime'],
  ['href', 'href'],
  ['id', 'id'],
  ['loading', 'loading'],
  ['rel', 'rel'],
  ['rowSpan', 'rowspan'],
  ['src', 'src'],
  ['start', 'start'],
  ['title', 'title'],
])

const VOID_ELEMENTS: ReadonlySet<string> = new Set(['br', 'hr', 'img'])

/**
 * The HTML text of a sanitised tree: elements with lower-case names, and text. Nothing is judged here but
 * names of attributes; what a text or a value holds stays text or value.
 */
export function serialize({ children }: Root | Element): string {
  let html = ''
  for (const child of children as readonly RootContent[]) {
    if (child.type === 'text') html += escapeText(child.value)
    else if (child.type === 'element') html += serializeElement(child)
  }
  return html
}

function serializeElement(element: Element): string {
  const { tagName } = element
  const start = `<${tagName}${serializeProperties(element.properties)}>`
  return VOID_ELEMENTS.has(tagName) ? start : `${start}${serialize(element)}</${tagName}>`
}

function serializeProperties(properties: Properties): string {
  let html = ''
  for (const key in properties) {
    const name = ATTRIBUTE_NAMES.get(key)
    const value = properties[key]
    if (name === undefined || value === undefined || value === null) continue
    html += ` ${name}="${escapeValue(Array.isArray(value) ? value.join(' ') : String(value))}"`
  }
  return html
}

function escapeText(text: string): string {
  return /[&<]/.test(text) ? text.replace(/[&<]/g, reference) : text
}

function escapeValue(value: string): string {
  return /[\0"&'`]/.test(value) ? value.replace(/[\0"&'`]/g, reference) : value
}

function reference(character: string): string {
  return `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`
}
