/** Longest term, in UTF-16 code units; of longer words only the beginning counts. */
export const MAX_TERM_LENGTH = 64

const ASCII = /^[\u0000-\u007f]*$/

// Accents on Latin and Greek letters; on Cyrillic ones only the two dots: й is a letter of its own.
const ACCENTS =
  /(?<=[\p{Script=Latin}\p{Script=Greek}][\u0300-\u036f]*)[\u0300-\u036f]|(?<=[\p{Script=Cyrillic}])[\u0300\u0301\u0308]/gu

// What writers of Arabic and Hebrew may leave out, the Arabic stroke that only lengthens, and joiners
// that choose a shape. Vowel signs of Indic scripts stay: they are letters in all but name.
const OPTIONAL_MARKS =
  /[\u064b-\u065f\u0670\u0640\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u200c\u200d]/g

// Letters that Unicode does not take apart.
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ł: 'l',
  ı: 'i',
  ς: 'σ',
}
const SPECIAL = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g')

/** A word as the index knows it: without case, accents and other spellings of the same characters. */
export function fold(word: string): string {
  const begun = cut(word)
  if (ASCII.test(begun)) return begun.toLowerCase()
  const folded = begun
    .normalize('NFKD')
    .toLowerCase()
    .replace(ACCENTS, '')
    .replace(OPTIONAL_MARKS, '')
    .replace(SPECIAL, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFC')
  return cut(folded)
}

/** What of a word counts. */
export function cut(text: string): string {
  if (text.length <= MAX_TERM_LENGTH) return text
  const last = text.charCodeAt(MAX_TERM_LENGTH - 1)
  // Not in the middle of a surrogate pair.
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? MAX_TERM_LENGTH - 1 : MAX_TERM_LENGTH)
}
