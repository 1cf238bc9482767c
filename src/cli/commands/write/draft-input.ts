import { resolve } from 'node:path'
import { defined } from '../../../defined.ts'
import type { Input, Output } from '../../../api/contract/contract.ts'
import type { Context } from '../../context.ts'
import { readDraft } from '../../input.ts'

/** How texts of a site are read. */
export type SiteOptions = Pick<Draft, 'keepLocation' | 'include' | 'siteRoot' | 'siteUrl'>

/** The draft that a command names, or that comes by its standard input. */
export async function draftSource(
  context: Context,
  file: string,
  { keepLocation, include, siteRoot, siteUrl }: SiteOptions,
): Promise<Draft> {
  const { cwd } = context.io
  const root = siteRoot === undefined ? undefined : resolve(cwd, siteRoot)
  const options = defined({ keepLocation, include, siteRoot: root, siteUrl })
  if (file !== '-') return { file: resolve(cwd, file), ...options }
  return { markdown: await readDraft(context), folder: cwd, ...options }
}

export function tellWarning({ out }: Context, { message, line }: Warning): Promise<void> {
  return out.warn(line === undefined ? message : `line ${line}: ${message}`)
}

type Draft = Input<'publishIssue'>['draft']
type Warning = Extract<Output<'publishIssue'>, { event: 'warning' }>['warning']
