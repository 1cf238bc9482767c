import { resolve } from 'node:path'
import { invalidInput } from '../../../errors.ts'
import type { Output } from '../../../api/contract/contract.ts'
import { slugOf } from '../../../render/file-name.ts'
import { singleLine } from '../../../render/plain.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { Progress } from '../../terminal/progress.ts'

type Issue = Output<'readIssue'>

export const commands: Commands = {
  save: (command, bind) =>
    command
      .more('With the name of an attachment: saves only that one.')
      .describeArgument('attachment', 'name of one attachment to save')
      .option(
        '--to <folder>',
        'target folder (default: a new folder for an issue, the current folder for an attachment)',
      )
      .option('--force', 'replace existing files')
      .examples(
        'hyperletter save "Tide Tables" 3',
        'hyperletter save "Tide Tables" 3 --to ~/letters/tides',
        'hyperletter save ybndrfg8 3 images/tide.png --to .',
      )
      .action(bind(save)),
}

async function save(
  context: Context,
  newsletter: string,
  number: number,
  attachment: string | undefined,
  { to, force = false }: { readonly to?: string; readonly force?: boolean },
): Promise<void> {
  const { io, out } = context
  const { signal } = io
  const files = await withOperations(context, async (operations) => {
    using progress = new Progress(context, 'saving')
    const { makeDistinct, safeSegments, writeFiles } = await import('../../files.ts')
    const issue = await operations.readIssue({ newsletter, number }, { signal })
    const chosen = attachment === undefined ? issue.attachments : [find(issue, attachment)]
    const attachments = chosen.map(({ name }) => ({
      segments: safeSegments(name),
      bytes: operations.readAttachment({ newsletter, number, name }, { signal }),
    }))
    const sources = attachment === undefined ? [textOf(issue), ...attachments] : attachments
    const paths = makeDistinct(sources.map(({ segments }) => segments))
    const text = attachment === undefined ? Buffer.byteLength(issue.markdown) : 0
    const total = chosen.reduce((sum, { bytes }) => sum + bytes, text)
    const count = counter(total, progress)
    return await writeFiles(
      folderFor(io.cwd, issue, attachment, to),
      sources.map(({ bytes }, i) => ({ segments: paths[i] ?? [], bytes: count(bytes) })),
      { force, signal },
    )
  })
  await out.result({ files }, () => files.map((file) => `${singleLine(file)}\n`).join(''))
}

function find(issue: Issue, attachment: string): Issue['attachments'][number] {
  const found = issue.attachments.find(({ name }) => name === attachment)
  if (found !== undefined) return found
  const names = issue.attachments.map(({ name }) => singleLine(name))
  throw invalidInput(`Issue ${issue.number} has no attachment "${singleLine(attachment)}".`, {
    hint: names.length === 0 ? 'It has no attachments.' : `It has: ${names.join(', ')}.`,
  })
}

function textOf(issue: Issue) {
  const slug = slugOf(issue.title)
  const name = slug === '' ? `${issue.number}.md` : `${issue.number}-${slug}.md`
  return { segments: [name], bytes: [Buffer.from(issue.markdown)] }
}

// Two issues often have pictures of the same name, so each issue gets a folder of its own.
function folderFor(cwd: string, issue: Issue, attachment: string | undefined, to?: string): string {
  if (to !== undefined) return resolve(cwd, to)
  if (attachment !== undefined) return cwd
  return resolve(cwd, `${slugOf(issue.newsletter) || 'newsletter'}-${issue.number}`)
}

function counter(total: number, progress: Progress) {
  let done = 0
  return async function* (bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    for await (const chunk of bytes) {
      yield chunk
      done += chunk.byteLength
      progress.update({ done, total })
    }
  }
}
