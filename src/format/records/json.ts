/**
 * Deepest nesting of objects and arrays in a record. Known fields use 3 levels; without a limit a
 * small block could nest 30,000 levels and overflow the stack of whoever prints or copies it.
 */
export const MAX_JSON_DEPTH = 32

// ignoreBOM keeps a byte order mark in the text, where the JSON parser then refuses it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A block as JSON that is safe to copy, merge and print again: UTF-8 without byte order mark, at most
 * `MAX_JSON_DEPTH` levels, well-formed Unicode, finite numbers, no member named `__proto__`.
 * Of two members with one name the last counts.
 * @throws Error saying what is wrong, in words that follow "Block 7 …".
 */
export function parseJson(block: Uint8Array): unknown {
  let json: unknown
  try {
    json = JSON.parse(utf8.decode(block))
  } catch (cause) {
    throw new Error('is not UTF-8 JSON', { cause })
  }
  check(json, MAX_JSON_DEPTH)
  return json
}

function check(value: unknown, levelsLeft: number): void {
  if (typeof value === 'string') checkText(value)
  // JSON.parse turns 1e400 into Infinity, which no JSON can hold again.
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Error('has a number too large')
  if (typeof value !== 'object' || value === null) return

  if (levelsLeft === 0) throw new Error(`nests deeper than ${MAX_JSON_DEPTH} levels`)
  if (Array.isArray(value)) {
    for (const item of value) check(item, levelsLeft - 1)
    return
  }
  for (const [name, member] of Object.entries(value)) {
    // Harmless here, but an assignment of it anywhere later would replace a prototype.
    if (name === '__proto__') throw new Error('has a member named __proto__')
    checkText(name)
    check(member, levelsLeft - 1)
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw new Error('has a lone surrogate, which is not Unicode text')
}
