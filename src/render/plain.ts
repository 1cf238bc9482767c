// Whole escape sequences first, so that their parameters do not stay behind as text:
// CSI (ESC [ … letter), OSC and the other control strings (ESC ] … BEL or ST), and two-byte ones.
// A control string ends before the next one begins, so that no text is searched for an end twice.
const ESCAPE_SEQUENCE =
  // eslint-disable-next-line no-control-regex
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]P^_X]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f\n]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g

// C0 except tab and line feed, DEL, C1; invisible and bidirectional format characters; line and
// paragraph separators; deprecated format characters; interlinear annotations; tag characters.
// Kept: ZWNJ and ZWJ, which emoji, Hindi and Persian need, and the harmless direction marks.
const UNWANTED =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u180e\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

/**
 * Removes what could drive a terminal or deceive its reader: control characters, escape
 * sequences, bidirectional overrides, invisible characters. Keeps `\n` and `\t`.
 */
export function stripControls(text: string): string {
  // Most texts are only this, which is told ten times as fast.
  if (/^[\n\t\u0020-\u007e\u00a0-\u00ff]*$/.test(text)) return text
  return text.replace(ESCAPE_SEQUENCE, '').replace(UNWANTED, '')
}

// What has no ink: white space, all that Unicode asks to ignore where it has no effect (fillers, joiners,
// soft hyphens, selectors), and characters whose glyph is empty all the same: the Braille cell without a
// dot, a null note head, blanks of Khitan and Egyptian, and the place of an object.
const NO_INK =
  /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{16fe4}\u{1d159}\u{13441}\u{13442}]*$/u

/** Stands for a title or name in which there is nothing to see. */
export const NOTHING_TO_SEE = '(nothing to see)'

/**
 * As `stripControls`, on one line: line breaks and tabs become spaces. For titles and names. One that is
 * not blank, but of characters that show nothing, becomes `NOTHING_TO_SEE`.
 */
export function singleLine(text: string): string {
  const line = stripControls(text.replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n'))
    .replace(/[\n\t]+/g, ' ')
    .trim()
  return NO_INK.test(line) && text.trim() !== '' ? NOTHING_TO_SEE : line
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** A byte count for people, in decimal units: `12.3 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // 999.5 and more would round to 1000 of the smaller unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}
