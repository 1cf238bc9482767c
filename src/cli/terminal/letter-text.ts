import type { Output } from '../../api/contract/contract.ts'
import { singleLine, stripControls } from '../../render/plain.ts'
import type { Printer } from '../output.ts'
import { formatDate } from './format.ts'

/** A published letter with its answer, for a terminal. */
export function publishedText(
  { style: { bold, dim } }: Pick<Printer, 'style'>,
  { number, name, from, writtenAt, text, answer }: Output<'listLetters'>['published'][number],
): string {
  const by = name === undefined ? '' : `${singleLine(name)} `
  const head = `${bold(`Letter ${number}`)}  ${by}${dim(`${from.slice(0, 8)}, ${formatDate(writtenAt)}, signature verified`)}\n`
  const reply = answer === undefined ? '' : `  ${dim('The author answers:')}\n${indented(answer)}`
  return `${head}${indented(text)}${reply}`
}

/** Lines of somebody else's text, set in. */
export function indented(text: string): string {
  return stripControls(text)
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')
}
