import type { Output } from '../api/contract/contract.ts'
import { renderHtml, renderUnformatted } from '../render/html/html.ts'
import { optionsOf, type IssueLinks } from '../render/html/placed.ts'
import { INLINE_LENGTH, inWorker } from './text-worker.ts'

/** Where an issue is shown: what its pictures and links have for addresses. */
export interface IssuePlace extends IssueLinks {
  readonly attachmentUrl: (name: string) => string | undefined
}

/** What is rendered of an issue. */
export type RenderedText = Pick<Output<'readIssue'>, 'markdown' | 'importedFrom'> & {
  readonly attachments: readonly { readonly name: string }[]
}

/** HTML of an issue. Long texts are rendered by a worker; one that takes it too long is shown unformatted. */
export async function renderIssue(
  { markdown, attachments, importedFrom }: RenderedText,
  { attachmentUrl, ...place }: IssuePlace,
  run = inWorker,
): Promise<string> {
  const addresses = new Map<string, string>()
  for (const { name } of attachments) {
    const address = attachmentUrl(name)
    if (address !== undefined) addresses.set(name, address)
  }
  const input = { text: markdown, addresses, importedFrom, ...place }
  if (markdown.length <= INLINE_LENGTH) return renderHtml(markdown, optionsOf(input))
  return (await run('html', input)) ?? renderUnformatted(markdown)
}
