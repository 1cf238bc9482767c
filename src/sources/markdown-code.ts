/** For each character, 1 where it is code: in fences, indented after a blank line, and between backticks. */
export function codeIn(text: string): Uint8Array {
  const code = new Uint8Array(text.length)
  let fence: string | undefined
  let isIndented = false
  let isList = false
  let at = 0
  let paragraph = 0
  const endParagraph = (end: number, next: number) => {
    for (const [start, stop] of spansIn(text.slice(paragraph, end)))
      code.fill(1, paragraph + start, paragraph + stop)
    paragraph = next
  }
  for (const line of text.split('\n')) {
    const end = at + line.length + 1
    const [, mark, info = ''] = FENCE.exec(line) ?? []
    if (fence !== undefined) {
      code.fill(1, at, end)
      if (mark?.startsWith(fence) === true && info.trim() === '') fence = undefined
      paragraph = end
    } else if (mark !== undefined && !(mark.startsWith('`') && info.includes('`'))) {
      endParagraph(at, end)
      fence = mark
      code.fill(1, at, end)
    } else if (line.trim() === '') endParagraph(at, end)
    else if (!isList && /^(?: {4}|\t)/.test(line) && (isIndented || paragraph === at)) {
      code.fill(1, at, end)
      isIndented = true
      paragraph = end
    } else {
      isIndented = false
      if (/^\S/.test(line)) isList = /^(?:[-*+]|\d{1,9}[.)])[ \t]/.test(line)
    }
    at = end
  }
  endParagraph(text.length, text.length)
  return code
}

const FENCE = /^[ \t>]{0,12}(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(`{3,}|~{3,})([^\n]*)/

/** Spans of code in one paragraph: from a run of backticks to the next one of its length. */
function spansIn(text: string): [number, number][] {
  const runs = [...text.matchAll(/`+/g)].map((it) => ({ start: it.index, length: it[0].length }))
  // From the end on, so that the next run of each length is known.
  const nextOfLength = new Map<number, number>()
  const closing = runs.map(() => 0)
  for (let at = runs.length - 1; at >= 0; at--) {
    const { length = 0 } = runs[at] ?? {}
    closing[at] = nextOfLength.get(length) ?? 0
    nextOfLength.set(length, at)
  }
  const spans: [number, number][] = []
  for (let at = 0; at < runs.length; at++) {
    const close = closing[at] ?? 0
    const [from, to] = [runs[at], runs[close]]
    if (close === 0 || from === undefined || to === undefined) continue
    spans.push([from.start, to.start + to.length])
    at = close
  }
  return spans
}
