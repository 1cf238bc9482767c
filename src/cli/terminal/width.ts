/** Columns that a text takes in a terminal. */
export type Measure = (text: string) => number

// Latin letters and the signs that this program draws: one column each. U+00AD takes none.
const NARROW = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff–—‘’“”…·█░●○★✓]*$/

const lengthOf: Measure = (text) => text.length

/**
 * How to measure these texts. Most need no more than their length; the tables of Unicode, which take
 * as long to load as all the rest of a command, are loaded only for those that do.
 */
export async function measureFor(texts: readonly string[]): Promise<Measure> {
  if (texts.every((text) => NARROW.test(text))) return lengthOf
  const { default: stringWidth } = await import('string-width')
  return stringWidth
}
