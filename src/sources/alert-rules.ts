/** Where a pattern of a dialect may match: without one of its marks in a text, or where they say no, it does not. */
type Marks = readonly string[] | ((text: string) => boolean)

/**
 * What takes the place of a match; nothing where it stays as it is.
 * @param within Reads a part of the match, which no other rule sees.
 */
export type Replace = (
  match: RegExpExecArray,
  within: (part: string) => string,
) => string | undefined

/** One kind of notation of a dialect. */
export type Rule = readonly [marks: Marks, pattern: RegExp, replace: Replace]

/** What alerts of other names are called. */
const ALERTS: Readonly<Record<string, string>> = {
  tip: 'TIP',
  hint: 'TIP',
  success: 'TIP',
  important: 'IMPORTANT',
  warning: 'WARNING',
  attention: 'WARNING',
  caution: 'CAUTION',
  danger: 'CAUTION',
  error: 'CAUTION',
  failure: 'CAUTION',
}
const KINDS =
  'note|info|tip|hint|success|important|warning|attention|caution|danger|error|failure|abstract|summary|example|quote|question|bug|todo|details|seealso'
const CONTAINER = new RegExp(
  String.raw`^(:{3,})[ \t]*\{?\.?(?:callout-)?(${KINDS})\b([^\n]{0,200})\n((?:(?!:::)[^]){0,20000}?)\n?^\1[ \t]*$`,
  'gim',
)
const ADMONITION = new RegExp(
  String.raw`^[!?]{3}\+?[ \t]+(${KINDS})[ \t]*([^\n]{0,200})((?:\n(?:(?: {4}|\t)[^\n]*|[ \t]*(?=\n(?: {4}|\t))))+)`,
  'gim',
)

/** `{{% notice warning %}} … {{% /notice %}}`, `{% hint style="info" %} … {% endhint %}`. */
const BOX = new RegExp(
  String.raw`\{[{%][<%]?-?[ \t]*(${KINDS}|notice|admonition|callout|alert|notification)(?![\w-])([^\n{}%>]{0,300}?)-?[%>]?[%}]?\}[ \t]*\n?` +
    String.raw`((?:(?!\{[{%][<%]?-?[ \t]*(?:\/[ \t]*|end)?\1\b)[^]){0,20000}?)\n?[ \t]*\{[{%][<%]?-?[ \t]*(?:end|\/[ \t]*)\1[ \t]*-?[%>]?[%}]?\}`,
  'gi',
)
const BOX_PARAMETER =
  /(?:([\w-]+)[ \t]*[=:][ \t]*)?(?:"([^"]*)"|'([^']*)')|[\w-]+[ \t]*=[ \t]*([^\s"']+)|([^\s"'=]+)/g
const KIND = new RegExp(
  String.raw`^(?:(?:type|style|class|kind|context)[ \t]*=[ \t]*)?["']?(${KINDS})["']?$`,
  'i',
)

/** Short codes of site generators around an alert. */
export const BOX_RULE: Rule = [
  ['%}', '>}}', '%}}'],
  BOX,
  ([, name = '', parameters = '', inner = ''], within) => box(name, parameters, inner, within),
]

/** Alerts of Docusaurus, Quarto, Pandoc and MkDocs. */
export const ALERT_RULES: readonly Rule[] = [
  [
    [':::'],
    CONTAINER,
    ([, , kind = '', title = '', inner = ''], within) => alert(kind, title, inner, within),
  ],
  [
    ['!!!', '???'],
    ADMONITION,
    ([, kind = '', title = '', inner = ''], within) =>
      alert(kind, title, inner.replaceAll(/^(?: {4}|\t)/gm, ''), within),
  ],
]

function alert(
  kind: string,
  title: string,
  inner: string,
  within: (part: string) => string,
): string {
  const name = ALERTS[kind.toLowerCase()] ?? 'NOTE'
  const words = alertTitle(title)
  const body = within(inner)
    .split('\n')
    .filter((line, at) => at > 0 || line !== '')
    .map((line) => `> ${line}`.trimEnd())
  return [`> [!${name}]${words === '' ? '' : ` ${words}`}`, ...body].join('\n')
}

/** A short code for an alert, whose kind is its name, or one of its parameters. */
function box(
  name: string,
  parameters: string,
  inner: string,
  within: (part: string) => string,
): string | undefined {
  const [words, titles]: [string[], string[]] = [[], []]
  let kind: string | undefined
  for (const [whole, key, a, b, c, text] of parameters.matchAll(BOX_PARAMETER)) {
    const found = KIND.exec(whole)?.[1]
    if (found !== undefined) kind ??= found
    else if (key === undefined && text !== undefined) words.push(text)
    else if (key === undefined || /^(?:title|summary|header)$/i.test(key))
      titles.push(a ?? b ?? c ?? '')
  }
  const title = titles[0] ?? words.filter((it) => !/^(?:true|false|open)$/.test(it)).join(' ')
  return alert(kind ?? name, title, inner, within)
}

/** `"A title"`, `[A title]{.wide}`, `{title="A title"}`, `title="A title" open=true`, or plain words. */
function alertTitle(written: string): string {
  const named = /(?:^|[{\s])title=(?:"([^"\n]*)"|'([^'\n]*)')/.exec(written)
  const words = written.replaceAll(/\{[^{}\n]*\}?/g, '').replace(/^[^{}\n]*\}/, '')
  return (named?.[1] ?? named?.[2] ?? words).trim().replaceAll(/^["'[]|["'\]]$/g, '')
}
