import type { Nodes, Text } from 'mdast'

const EMPHASIS: ReadonlySet<string> = new Set(['strong', 'emphasis', 'delete'])
const CJK =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303f\uff00-\uffef]/u
/** A sign of punctuation that is not in the text. */
const GAPS = ['\u2e5d', '\u2e5c', '\u2e5b'] as const

/**
 * Lets emphasis beside Chinese, Japanese and Korean characters be written as readers show it. The writer knows the rules
 * of CommonMark alone, by which a character beside it must be a reference (`&#x30C8;`); it sees a sign of punctuation
 * between them instead, and `write` takes that from what it wrote.
 */
export function writeBesideCjk(tree: Nodes, source: string, write: () => string): string {
  const gap = CJK.test(source) ? GAPS.find((it) => !source.includes(it)) : undefined
  if (gap === undefined) return write()
  separate(tree, gap)
  return write().replaceAll(gap, '')
}

function separate(tree: Nodes, gap: string): void {
  const waiting: Nodes[] = [tree]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (!('children' in node)) continue
    const { children } = node as { children: Nodes[] }
    const text: Text = { type: 'text', value: gap }
    node.children = children.flatMap((it, at) => {
      if (!EMPHASIS.has(it.type)) return [it]
      const [before, after] = [children[at - 1], children[at + 1]]
      const opens = before?.type === 'text' && isCjk(edge(before, -1), edge(it, 0))
      const closes = after?.type === 'text' && isCjk(edge(it, -1), edge(after, 0))
      return [...(opens ? [text] : []), it, ...(closes ? [text] : [])]
    })
    for (const it of children) waiting.push(it)
  }
}

function isCjk(...characters: string[]): boolean {
  return characters.some((it) => CJK.test(it))
}

/** The first or the last character of a text. */
function edge(node: Nodes, at: 0 | -1): string {
  let inner: Nodes | undefined = node
  while (inner !== undefined && 'children' in inner) inner = (inner.children as Nodes[]).at(at)
  const value = inner?.type === 'text' ? inner.value : ''
  return at === 0 ? (/^./su.exec(value)?.[0] ?? '') : (/.$/su.exec(value)?.[0] ?? '')
}
