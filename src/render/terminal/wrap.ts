import wrapAnsi, { type Options } from 'wrap-ansi'

const LONG_WORD = /\S{1000,}/g
// eslint-disable-next-line no-control-regex
const ASCII = /^[\u0000-\u007f]*$/
// An escape sequence counts as one character.
// eslint-disable-next-line no-control-regex
const PIECE = /(?:\u001b\[\d+m|[^\s\u001b]){1000}/gu

/**
 * Lines of at most `width` columns, styles ending at each break and resuming behind it. Measuring a word takes time that
 * grows with the square of its length if any character of it is not ASCII, so an absurd one is split.
 */
export function wrap(text: string, width: number, options?: Options): string {
  const split = (word: string) => (ASCII.test(word) ? word : word.replace(PIECE, '$&\n'))
  return wrapAnsi(text.replace(LONG_WORD, split), Math.max(1, width), options)
}
