import { resolve } from 'node:path'
import { defined } from '../../../defined.ts'
import { HyperletterError } from '../../../errors.ts'
import type { Input, Output } from '../../../api/contract/contract.ts'
import type { Context } from '../../context.ts'
import { WITHHELD_KINDS, type WithheldKind } from '../../../sources/source.ts'
import { readDraft } from '../../input.ts'

/** How texts of a site are read. */
export interface SiteOptions {
  readonly keepLocation?: boolean
  readonly include?: WithheldKind[]
  readonly siteRoot?: string
  readonly siteUrl?: string
}

/** Of every command that publishes drafts. */
export const includeOption = [
  '--include <kinds>',
  `also publish: ${WITHHELD_KINDS.join(', ')}`,
  withheldKinds,
] as const

function withheldKinds(text: string): WithheldKind[] {
  return text.split(',').map((word) => {
    const kind = WITHHELD_KINDS.find((it) => it === word.trim())
    if (kind !== undefined) return kind
    throw new HyperletterError('INVALID_INPUT', `"${word.trim()}" is not left out by an import.`, {
      hint: `Name some of ${WITHHELD_KINDS.join(', ')}, with commas between them.`,
    })
  })
}

/** The draft that a command names, or that comes by its standard input. */
export async function draftSource(
  context: Context,
  file: string,
  { keepLocation, include, siteRoot, siteUrl }: SiteOptions,
): Promise<Input<'publishIssue'>['draft']> {
  const { cwd } = context.io
  const root = siteRoot === undefined ? undefined : resolve(cwd, siteRoot)
  const options = defined({ keepLocation, include, siteRoot: root, siteUrl })
  if (file !== '-') return { file: resolve(cwd, file), ...options }
  return { markdown: await readDraft(context), folder: cwd, ...options }
}

/** Tells what was found in a draft that was accepted all the same. */
export function tellWarning({ out }: Context, { message, line }: Warning): Promise<void> {
  return out.warn(line === undefined ? message : `line ${line}: ${message}`)
}

type Warning = Extract<Output<'publishIssue'>, { event: 'warning' }>['warning']
