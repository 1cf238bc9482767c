import { mediaTypeOf } from './media-types.ts'
import type { DraftWarning } from './source.ts'

/** A tag of Liquid, Jinja, Nunjucks, Tera or Hugo. */
export const TEMPLATE =
  /\{\{[<%]?(?:[^{}]|\{(?!\{)){0,2000}?\}\}|\{%(?:(?!\{%|%\})[^]){0,2000}?%\}/g

interface ReadTemplate {
  /** Of the tag, such as `include`. */
  readonly name: string
  /** Its equivalent in Markdown; undefined if there is none. */
  readonly markdown?: string
}

/** Tags that show a picture, whatever generator they are of. */
const PICTURE =
  /^(?:[\w-]{0,30}(?:img|image|figure|picture|photo)[\w-]{0,30}|fig|asset|lightbox|fancybox|thumbnail|screenshot|include(?:_relative|_cached)?[ \t]+\S*(?:img|image|figure|picture|photo|fig)\S*)$/i
const SOURCES = ['src', 'file', 'url', 'path', 'image', 'image_path', 'img', 'name', 'link', 'href']

/** Tags that say the root of the site, which paths in a text begin at anyway. */
const ROOT =
  /^(?:site\.(?:baseurl|url|base_path)|(?:config\.)?base_?url|root_url|\.?Site\.BaseURL|\$\.Site\.BaseURL|url_prefix)\b/i
/** Tags that play or link to a file. */
const FILE = /^(?:video|audio|mp3|mp4|html5video|asset_link|post_link|file|pdf|download)$/i
/** Tags and filters around the path of a file or another post. */
const PATH =
  /^(?:post_url|post_path|link|ref|relref|get_url|url_for|static|asset_path|asset_url|media|resize_image)$/i

/** Where embeds of these lead, from what identifies them. */
const EMBEDS: Readonly<Record<string, (id: string, more: string | undefined) => string>> = {
  youtube: (id) => `https://www.youtube.com/watch?v=${id}`,
  vimeo: (id) => `https://vimeo.com/${id}`,
  gist: (id, more) => `https://gist.github.com/${more === undefined ? id : `${id}/${more}`}`,
  tweet: (id, more) =>
    `https://twitter.com/${more === undefined ? `i/status/${id}` : `${id}/status/${more}`}`,
  instagram: (id) => `https://www.instagram.com/p/${id}/`,
}

/** Pictures of the bundle of a page of Hugo, by the variables of its templates. */
export type Resources = Map<string, string>

const GETS =
  /^(?:with[ \t]+)?(?:(\$\w*)[ \t]*:?=[ \t]*)?\(?\$?\.?(?:Page\.)?Resources\.(?:Get|GetMatch)[ \t]+["'`]([^"'`]{1,500})["'`]/
const RESIZES = /^(?:with[ \t]+)?(\$\w*)[ \t]*:?=[ \t]*\(?(\$\w+)\.\w+/
const WITH = /^with[ \t]+(\$\w+)$/
const SHOWS =
  /^\(?(\$\w*|)(?:\.(?:Resize|Fit|Fill|Crop|Filter|Process)\b[^)]*\))?\.(?:Rel)?Permalink$/

/** What a tag does with such a picture: shows its path, or nothing. */
function readResource(inner: string, resources: Resources): string | undefined {
  const [, name = '', path] = GETS.exec(inner) ?? []
  const [, copy, of] = RESIZES.exec(inner) ?? []
  const [, within] = WITH.exec(inner) ?? []
  const known = resources.get(within ?? of ?? '-')
  if (path !== undefined) resources.set(name, path)
  else if (known !== undefined) resources.set(copy ?? '', known)
  else if (inner !== 'end' || resources.size === 0)
    return resources.get(SHOWS.exec(inner)?.[1] ?? '-')
  return ''
}

/**
 * The meaning of a template tag, as far as it is known without its generator.
 * @param before The character in front of it.
 * @param isAlone Whether nothing else is on its line.
 */
export function readTemplate(
  tag: string,
  {
    before = '',
    isAlone = false,
    resources = new Map(),
  }: { before?: string | undefined; isAlone?: boolean; resources?: Resources } = {},
): ReadTemplate {
  const inner = tag.replace(/^\{[{%][<%]?-?|-?[%>]?[%}]\}$/g, '').trim()
  const resource = readResource(inner, resources)
  if (resource !== undefined) return { name: 'resources', markdown: resource }
  if (tag.startsWith('{{') && ROOT.test(inner)) return { name: 'root', markdown: '' }
  const call = /^([\w.-]+)[ \t]*\(([^]*)\)/.exec(inner)
  const [, word = '', rest = ''] = call ?? /^(?:\/[ \t]*)?([\w./-]+)([^]*)$/.exec(inner) ?? []
  if (/^(?:end)?raw$/i.test(word)) return { name: word, markdown: '' }
  // `{{ "/a.png" | relative_url }}`
  const piped =
    /^(["'])([^"'\n]{1,1000})\1[ \t]*\|[ \t]*(?:relative_url|absolute_url|url|prepend|relURL|absURL|asset)/i.exec(
      inner,
    )
  if (piped?.[2] !== undefined) return { name: 'url', markdown: piped[2] }
  const included = /^[ \t]+(\S+)([^]*)$/.exec(rest)
  const isInclude = /^include/i.test(word) && included !== null
  const name = isInclude ? `${word} ${included[1]}` : word
  const { named, positional } = parameters(isInclude ? (included[2] ?? '') : rest)
  const [first] = positional
  // Within a text, a function of Zola is a short code that shows what it gives.
  const isShown = word === 'resize_image' && !/["'(=<]/.test(before)
  if (PATH.test(word) && !isShown) {
    const path = named.get('path') ?? named.get('filename') ?? first
    if (path !== undefined) return { name: word, markdown: pathOf(word, path) }
  }
  if (PICTURE.test(name)) {
    const found = [...SOURCES.map((key) => named.get(key)), ...positional].find(
      (it) => it !== undefined && mediaTypeOf(it.replace(/[?#].*$/, '')).startsWith('image/'),
    )
    if (found !== undefined) return { name, markdown: pictureOf(found, named, positional, isAlone) }
  }
  if (FILE.test(word)) {
    const path = SOURCES.map((key) => named.get(key)).find((it) => it !== undefined) ?? first
    if (path !== undefined && !/[<>\\]/.test(path)) {
      const words = positional.slice(1).join(' ') || path
      return { name, markdown: `[${plain(words)}](<${pathOf(word, path)}>)` }
    }
  }
  const embed =
    EMBEDS[isInclude ? (included[1] ?? '').replace(/\.\w+$/, '').toLowerCase() : word.toLowerCase()]
  const id = named.get('id') ?? named.get('user') ?? first
  if (embed !== undefined && id !== undefined && /^[\w-]{1,100}$/.test(id)) {
    const second = named.has('user') ? named.get('id') : positional[1]
    const isPair = named.has('user') && second !== undefined
    const url = isPair ? embed(named.get('user') ?? '', second) : embed(id, second)
    return { name, markdown: `[${url.replace('https://', '')}](${url})` }
  }
  return { name: word === '' ? inner.slice(0, 20) : isInclude ? name : word }
}

function pathOf(word: string, path: string): string {
  const clean = path.replace(/^@\//, '')
  return /^post_(?:url|link|path)$/i.test(word) && !/\.\w{2,8}$/.test(clean) ? `${clean}.md` : clean
}

function pictureOf(
  source: string,
  named: ReadonlyMap<string, string>,
  positional: readonly string[],
  isAlone: boolean,
): string {
  // What stands before the path are classes, and `--alt` names what follows.
  const words = positional
    .slice(positional.indexOf(source) + 1)
    .filter((it) => !/^(?:\d+(?:%|px|vw)?|\d*x\d*(?: .*)?|--\w+|Resize|Fit|Fill|Crop)$/.test(it))
    .join(' ')
  const alt = plain(named.get('alt') ?? words)
  const target = `<${source.replaceAll(/[<>]/g, '')}>`
  const link = named.get('link')
  const linked = (picture: string) =>
    link === undefined || link === source || /[<>\s]/.test(link)
      ? picture
      : `[${picture}](<${link}>)`
  const credit = named.get('attr')
  const by = named.get('attrlink')
  const shown = [
    named.get('title'),
    named.get('caption'),
    credit === undefined || by === undefined ? credit : `[${credit}](${by})`,
  ]
    .map((it) => it?.replaceAll(/\s+/g, ' ').trim() ?? '')
    .filter((it, at, all) => it !== '' && all.indexOf(it) === at)
  // What a title says, only a mouse finds.
  if (isAlone && shown.length > 0)
    return `${linked(`![${alt}](${target})`)}<br><em>${shown.join('<br>')}</em>`
  const caption = plain(named.get('caption') ?? shown[0] ?? '')
  const title = caption === '' ? '' : ` "${caption.replaceAll('"', '\\"')}"`
  return linked(`![${alt === '' ? caption : alt}](${target}${title})`)
}

function plain(text: string): string {
  return text
    .replace(/[[\]\\<>]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

const PARAMETER =
  /([\w-]+)[ \t]*[=:][ \t]*(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s,"'`|)]+))|"([^"]*)"|'([^']*)'|([^\s,"'`=|()]+)/g

function parameters(text: string): { named: Map<string, string>; positional: string[] } {
  const named = new Map<string, string>()
  const positional: string[] = []
  for (const [, key, a, b, c, d, ...others] of text.matchAll(PARAMETER)) {
    const value = a ?? b ?? c ?? d ?? others.find((it) => it !== undefined) ?? ''
    if (key === undefined) positional.push(value)
    else if (!named.has(key.toLowerCase())) named.set(key.toLowerCase(), value)
  }
  return { named, positional }
}

/** Kinds of tags that a warning names. */
const MAX_NAMED = 4

/** Reports how many template tags a text contains or loses, by name. */
export function countedTemplates(
  offsets: ReadonlyMap<string, readonly number[]>,
  text: string,
  areLeftOut: boolean,
): DraftWarning[] {
  const all = [...offsets.values()].flat()
  if (all.length === 0) return []
  const names = [...offsets].toSorted((a, b) => b[1].length - a[1].length)
  const listed = names.slice(0, MAX_NAMED).map(([name, its]) => `${its.length} × ${name}`)
  const more = names.length > MAX_NAMED ? ', …' : ''
  const what = all.length === 1 ? '1 template tag' : `${all.length} template tags`
  const how = areLeftOut
    ? 'left out'
    : 'published as they stand; --without-templates leaves them out'
  const line = text.slice(0, Math.min(...all.slice(0, 10_000))).split('\n').length
  return [{ message: `${what} of a site generator: ${how} (${listed.join(', ')}${more}).`, line }]
}
