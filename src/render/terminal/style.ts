/** SGR codes that turn each style on and off (ECMA-48 §8.3.117). */
const SGR = {
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  underline: [4, 24],
  strike: [9, 29],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const

export type StyleName = keyof typeof SGR

/** Puts styles on text, or does nothing when there is no colour. Text must not contain escapes. */
export type Paint = (text: string, ...styles: readonly StyleName[]) => string

/** The `Paint` for a terminal with or without colour. */
export function painter(color: boolean): Paint {
  if (!color) return (text) => text
  return (text, ...styles) => {
    if (text === '' || styles.length === 0) return text
    const on = styles.map((style) => `\u001b[${SGR[style][0]}m`).join('')
    const off = styles.map((style) => `\u001b[${SGR[style][1]}m`).toReversed()
    return on + text + [...new Set(off)].join('')
  }
}
