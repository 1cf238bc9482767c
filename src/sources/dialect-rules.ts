import { ALERT_RULES, BOX_RULE, type Rule } from './alert-rules.ts'
import { mediaTypeOf } from './media-types.ts'
import { readTemplate } from './templates.ts'

const RAW =
  /\{%-?[ \t]*raw[ \t]*-?%\}\n?((?:(?!\{%-?[ \t]*(?:end)?raw)[^]){0,20000}?)\n?\{%-?[ \t]*endraw[ \t]*-?%\}/g
const HIGHLIGHT =
  /(\{%-?[ \t]*|\{\{[<%][ \t]*)(highlight|codeblock)[ \t]+(?:lang:)?([\w+#.-]*)[^\n%>}]{0,200}?-?[%>]?\}\}?[ \t]*\n((?:(?!\{[{%][<%]?-?[ \t]*\/?(?:end|highlight|codeblock))[^]){0,20000}?)\n?[ \t]*(?:\{%-?[ \t]*end\2[ \t]*-?%\}|\{\{[<%][ \t]*\/[ \t]*\2[ \t]*[>%]\}\})/g

const EMBED = /(?<!\\)!\[\[([^[\]|\n]{1,300})(?:\|([^[\]\n]{0,300}))?\]\]/g
const WIKI_LINK =
  /(?<![!\\\]\w])\[\[([^\s[\]|](?:[^[\]|\n]{0,298}[^\s[\]|])?)(?:\|([^[\]\n]{0,300}))?\]\](?![([])/g

/** A destination with spaces, as many editors take it, and perhaps a title. */
const SPACED =
  /\]\((?![^\s()<>{}"']{1,500}\))(?<=\[[^[\]\n]{0,1000}\]\()([^\s()<>{}"'][^()<>{}"'\n]{0,500} [^()<>{}"'\n]{0,500}?\.\w{1,5}(?:#[^\s()<>]{0,100})?)([ \t]+(?:"[^"\n]{0,500}"|'[^'\n]{0,500}'))?[ \t]*\)/g
/** MkDocs: a picture in Markdown within HTML. */
const FIGURE =
  /^[ \t]{0,8}<figure markdown[^<>\n]{0,200}>[ \t]*\n[ \t]*(!\[[^[\]\n]{0,1000}\]\([^()\n]{1,1000}\))[^\n]{0,300}\n(?:[ \t]*<figcaption[^<>\n]{0,200}>([^\n]{0,1000}?)<\/figcaption>[ \t]*\n)?[ \t]*<\/figure>/gm
const SIZED = /(!\[[^[\]\n]{0,1000}\]\([^\s()<>]{1,1000})[ \t]+=(?:\d+%?)?x?(?:\d+%?)?[ \t]*\)/g
const IMAGE_ATTRIBUTES =
  /(!\[[^[\]\n]{0,1000}\]\([^()\n]{1,1000}\))[ \t]*\{:?[ \t]*(?:[.#]|[a-z]+=)[^{}\n]{0,300}\}/g
const MARKED = /(^|[^\w=])==([^\s=](?:[^=\n]{0,998}[^\s=])?)==(?![\w=])/gm
/** What Pelican, Docusaurus and bundlers call the root. */
const ROOT =
  /(?<=\]\(<?|="|: )(?:\{(?:static|attach|filename|photo|image)\}|\|(?:static|filename|attach)\||@site(?=\/)|pathname:\/\/|(?:@|~{1,2})(?=\/[^\s()<>]{1,300}\.(?:png|jpe?g|gif|svg|webp|avif)\b))/g
/** Folders that Astro, Nuxt and SvelteKit give a name, which lie at the root or in `src`: `@assets/a.png`. */
const ALIAS =
  /(?<=\]\(<?|=")[@~$](?=\w[\w-]{0,40}\/[^\s()<>]{1,300}\.(?:png|jpe?g|gif|svg|webp|avif)\b)/g
/** Docusaurus: `src={require('./a.png').default}`. */
const REQUIRED =
  /\b(src|href)=\{(?:require|useBaseUrl|import)\(\s*(["'])([^"'\n]{1,500})\2\s*\)(?:\.default)?\}/g
/** A picture that a script of the site loads later, in the place of another one. */
const LAZY = /<img\b[^<>]{1,4000}>/gi
const LATE: readonly (readonly [attribute: RegExp, real: string])[] = [
  [/(?<=\s)data-(?:lazy-)?(?:src|original)(?=\s*=)/i, 'src'],
  [/(?<=\s)(?:data-(?:lazy-)?)?srcset(?=\s*=)/i, 'srcset'],
]
/** What stands there until then. */
const PLACEHOLDER =
  /^\s*(?:data:|embedded-[\da-f]{12}\.|$)|(?:blank|placeholder|spinner|load(?:ing|er)|pixel|1x1|transparent|lazy)[\w-]*\.\w+$/i
/** A path as Windows writes it; a backslash before a sign is one of Markdown. */
const BACKSLASHED = /(!\[[^[\]\n]{0,1000}\]\()((?:\.{0,2}\\)?[\p{L}\p{N}][^\s()<>:]{0,500})(?=\))/gu
/** A picture of Astro, Gatsby, Next.js, Nuxt, Gridsome or others. */
const COMPONENT =
  /<([A-Z]?\w{0,20}(?:Image|Img|Picture)|(?:nuxt|v|g|amp)-(?:img|image|picture))\b([^<>]{1,2000}?\bsrc=[^<>]{1,2000})>(?:\s{0,9}<\/\1>)?/g
/** A short code around the words below a picture: `{% figure(src="a.png") %} … {% end %}`, `{{< imgproc "a.png" Fit "9x9" >}}`. */
const PICTURE_BLOCK =
  /\{[%{][<%]?-?[ \t]*([\w-]{0,30}(?:img|image|fig|picture|photo)[\w-]{0,30})\b([^\n{}%>]{0,1000}?)-?[%>]?[%}]?\}(\n?)((?:(?!\{[{%])[^]){0,4000}?)(\n?)\{[{%][<%]?-?[ \t]*(?:end|\/[ \t]*\1)[ \t]*\w{0,30}[ \t]*-?[%>]?[}%]\}/gi
/** Obsidian: the name of a block, for links to it. Chosen by Obsidian, it has six characters. */
const BLOCK_ID = /(?:(?<=\S)[ \t]+\^(?=[a-z]*\d)[a-z\d]{6}|^\^[a-z\d][a-z\d-]{0,60})[ \t]*$/gm
/** Where the table of contents is to be, and what abbreviations mean. */
const TOC = /^[ \t]*\[(?:TOC|\[_?TOC_?\])\][ \t]*$/gim
const ABBREVIATION = /^ {0,3}\*\[[^\]\n]{1,100}\]:[^\n]{0,500}$/gm
/** Obsidian: `![Low water|300](a.png)`. */
const SIZE_IN_ALT = /(!\[[^[\]|\n]{0,300})\|\d+(?:x\d+)?(?=\]\()/g
const SUPERSCRIPT = /(?<=[\w)])\^([\w+-]{1,20})\^/g
const SUBSCRIPT = /(?<=[A-Za-z)])~(\d{1,4})~(?!~)/g
export const INLINE_NOTE = /\^\[((?:[^[\]]|\[\[?[^[\]\n]{0,500}\]?\]){1,2000}?)\](?![([])/g
/** A term, and below it what it means, behind colons. */
const DEFINITIONS =
  /(?<![^\n]\n)^(?!\d+[.)][ \t])([^\s>#*+|`~:<[-][^\n]{0,200})\n([ \t]*\n)?((?: {0,3}:[ \t]+[^\n]{1,2000}(?:\n|$(?![^])))+)/gm
/** The attributes that kramdown gives to the block above, or the place of its contents. */
const ATTRIBUTES =
  /(^#{1,6}[ \t][^\n]{0,500}|^[*-][ \t]+TOC|)\n?^[ \t]{0,3}\{:[ \t]*([^{}\n]{0,300})\}[ \t]*$/gm

export const NOTHING = () => ''

/** In the order of reading. Without one of its marks in a text, or where they say no, a pattern does not match. */
export const RULES: readonly Rule[] = [
  [
    ['<figure markdown'],
    FIGURE,
    ([, picture = '', words = ''], within) =>
      within(words === '' ? picture : `${picture}\n\n*${words.trim()}*`),
  ],
  // Obsidian: from the beginning of a line over any lines, else within a paragraph.
  [['%%'], /^[ \t]*%%(?:(?!%%)[^])*(?:%%|$(?![^]))/gm, NOTHING],
  [['%%'], /%%(?:(?!%%|\n[ \t]*\n)[^]){1,4000}%%/g, NOTHING],
  // Liquid and Jinja.
  [
    ['{%'],
    /\{%-?[ \t]*comment[ \t]*-?%\}(?:(?!\{%-?[ \t]*(?:end)?comment)[^]){0,4000}\{%-?[ \t]*endcomment[ \t]*-?%\}/g,
    NOTHING,
  ],
  [['{#'], /\{#[ \t\n](?:(?!#\}|\{#)[^]){0,4000}#\}/g, NOTHING],
  // Hugo.
  [['{{'], /\{\{[<%]?[ \t]*\/\*(?:(?!\*\/)[^]){0,4000}\*\/[ \t]*[>%]?\}\}/g, NOTHING],
  [['{%'], RAW, ([, inner]) => inner],
  [['{%', '{{'], HIGHLIGHT, ([, , , language = '', inner = '']) => fenced(language, inner)],
  [
    ['%}', '>}}', '%}}'],
    PICTURE_BLOCK,
    ([, name = '', parameters = '', from = '', words = '', to = ''], within) =>
      pictureBlock(
        `{{< ${name} ${parameters.replace(/^\(|\)\s*$/g, '')} >}}`,
        within(words),
        from + to !== '',
      ),
  ],
  BOX_RULE,
  [['![['], EMBED, ([, target = '', words = '']) => embed(target, words)],
  [['[['], WIKI_LINK, ([, target = '', words = '']) => wikiLink(target, words)],
  [hasSpacedTarget, SPACED, ([, target = '', title = '']) => `](<${target}>${title})`],
  [[' =', '\t='], SIZED, ([, head = ''], within) => within(`${head})`)],
  [['){', ' {', '\t{'], IMAGE_ATTRIBUTES, ([, head = ''], within) => within(head)],
  [
    ['=='],
    MARKED,
    ([, before = '', words = ''], within) => `${before}<mark>${within(words)}</mark>`,
  ],
  [
    [
      '{static',
      '{attach',
      '{filename',
      '{photo',
      '{image',
      '|static',
      '|attach',
      '|filename',
      '@site',
      '@/',
      '~/',
      'pathname:',
    ],
    ROOT,
    () => '',
  ],
  [['(@', '(~', '($', '<@', '"@', '"~', '"$'], ALIAS, () => '/'],
  [['={'], REQUIRED, ([, name = '', , path = '']) => `${name}="${path}"`],
  [
    ['\\'],
    BACKSLASHED,
    ([, head = '', path = '']) =>
      /\\[^\p{L}\p{N}.]|\\$/u.test(path) ? undefined : `${head}${path.replaceAll('\\', '/')}`,
  ],
  [
    ['Image', 'Img', 'Picture', '-img', '-image', '-picture'],
    COMPONENT,
    ([, , attributes = ''], within) =>
      within(
        `<img${attributes.replaceAll(REQUIRED, '$1="$3"').replaceAll(/=\{["'`]?([^{}"'`]{0,500})["'`]?\}/g, '="$1"')}>`,
      ),
  ],
  [['[TOC', '[toc', '[_TOC'], TOC, () => ''],
  [['*['], ABBREVIATION, () => ''],
  [['<img', '<IMG', '<Img'], LAZY, ([tag], within) => loaded(tag, within)],
  [[' ^', '\t^', '\n^'], BLOCK_ID, () => ''],
  [['!['], SIZE_IN_ALT, ([, head = '']) => head],
  [['^'], SUPERSCRIPT, ([, words = '']) => `<sup>${words}</sup>`],
  [
    Array.from({ length: 10 }, (_, digit) => `${digit}~`),
    SUBSCRIPT,
    ([, words = '']) => `<sub>${words}</sub>`,
  ],
  [
    ['\n:', '\n :', '\n  :', '\n   :'],
    DEFINITIONS,
    ([, term = '', blank, meanings = ''], within) =>
      definitions(within(term), blank !== undefined, meanings, within),
  ],
  [
    ['{:'],
    ATTRIBUTES,
    ([, before = '', attributes = ''], within) => ownId(within(before), attributes),
  ],
  ...ALERT_RULES,
]

/** Whether a blank stands between the beginning of a link's target and the next closing bracket. */
function hasSpacedTarget(text: string): boolean {
  let blank = -1
  let closing = -1
  for (let at = text.indexOf(']('); at >= 0; at = text.indexOf('](', at + 2)) {
    if (blank < at) blank = text.indexOf(' ', at)
    if (blank < 0) return false
    if (closing < at) closing = text.indexOf(')', at)
    if (closing < 0 || blank < closing) return closing >= 0
  }
  return false
}

function loaded(tag: string, within: (part: string) => string): string | undefined {
  const [source = '', value = ''] = /\ssrc\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)/i.exec(tag) ?? []
  const isReal = source !== '' && !PLACEHOLDER.test(value.replaceAll(/["']/g, ''))
  const late = isReal ? undefined : LATE.find(([attribute]) => attribute.test(tag))
  return late && within(tag.replace(source, '').replace(...late))
}

function definitions(
  term: string,
  isLoose: boolean,
  meanings: string,
  within: (part: string) => string,
): string {
  const words = term.trim()
  const head = `- ${words.includes('*') ? words : `**${words}**`}`
  const each = within(meanings.replaceAll(/^ {0,3}:[ \t]+/gm, ''))
    .replace(/\n$/, '')
    .split('\n')
  const body = each.map((it) => `  ${it}`).join('\\\n')
  return `${head}${isLoose ? '\n' : '\\'}\n${body}${meanings.endsWith('\n') ? '\n' : ''}`
}

function fenced(language: string, inner: string): string {
  const fence = '`'.repeat(Math.max(3, ...(inner.match(/`+/g) ?? []).map((it) => it.length + 1)))
  return `${fence}${language}\n${inner}\n${fence}`
}

/** What Obsidian shows in a text: a picture with a size or a description, any other file, or another note. */
function embed(written: string, words: string): string | undefined {
  const target = unescaped(written)
  if (!/\.[a-z\d]{1,5}$/i.test(target.replace(/#.*$/, ''))) return wikiLink(target, words)
  const alt = words.trim().replace(/(?:^|\|)\d+(?:x\d+)?$/, '')
  const isPicture = mediaTypeOf(target).startsWith('image/')
  return `${isPicture ? '!' : ''}[${isPicture ? alt : alt || target}](<${target.trim()}>)`
}

/** Within a table, the bar between a target and its words is `\\|`. */
function unescaped(target: string): string {
  return target.replace(/\\$/, '')
}

/** @param isApart Whether the words have lines of their own. */
function pictureBlock(tag: string, words: string, isApart: boolean): string | undefined {
  const picture = readTemplate(tag).markdown
  if (picture !== undefined && isApart) return `${picture}\n\n${words}`
  if (picture !== undefined)
    return picture.replace(/^!\[\]/, `![${words.replaceAll(/[[\]\\<>]/g, '').trim()}]`)
  // The picture is within.
  return words.includes('![') ? `\n${words}\n` : undefined
}

function wikiLink(written: string, words: string): string | undefined {
  const target = unescaped(written)
  const [name = '', part] = target.split(/#\^?/, 2)
  const shown = words === '' ? target.replace(/^#/, '') : words
  if (/[<>\\]/.test(target) || /^(?:[\d\s,-]+|_?TOC_?)$/i.test(target)) return undefined
  const path = name === '' || /\.\w{1,5}$/.test(name) ? name : `${name}.md`
  return `[${shown}](<${path}${part === undefined ? '' : `#${part}`}>)`
}

function ownId(before: string, attributes: string): string {
  if (before.endsWith('TOC')) return ''
  const id = /(?:^|\s)#([^\s}]+)/.exec(attributes)?.[1]
  return id === undefined || before === '' ? before : `${before} {#${id}}`
}
