import { invalidInput } from '../errors.ts'

/** Words between spaces; what stands in quotes belongs together, and has no other meaning. */
const WORD = /(?:[^\s"']|"[^"]*"|'[^']*')+/g

/**
 * A program and its arguments, as a shell would part them, but with nothing else that a shell knows:
 * no variables, no patterns, no backslashes.
 * @throws INVALID_INPUT if a quote does not end, or there is no program.
 */
export function splitCommand(text: string): readonly [program: string, ...args: string[]] {
  const rest = text.replace(WORD, '').trim()
  if (rest !== '') throw invalidInput(`A quote does not end in "${text}".`)
  const words = text.match(WORD) ?? []
  const [program, ...args] = words.map((word) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
      String(double ?? single),
    ),
  )
  if (program === undefined || program === '') {
    throw invalidInput('No program is named.', {
      hint: 'Write a program and its arguments, for example: /usr/local/bin/tell --quiet',
    })
  }
  return [program, ...args]
}

/** A command line that can be split, as it is. @throws INVALID_INPUT */
export function parseCommand(text: string): string {
  splitCommand(text)
  return text
}
