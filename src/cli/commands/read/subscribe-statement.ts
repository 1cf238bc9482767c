import { open } from 'node:fs/promises'
import { defined } from '../../../defined.ts'
import {
  looksLikeSuccession,
  parseSuccession,
  SUCCESSION_CHARACTERS,
} from '../../../format/records/succession.ts'
import { withOperations, type Context } from '../../context.ts'
import { quoteTitle, shortKey } from '../../terminal/format.ts'

/** More than a statement with the white space around it. */
const MAX_FILE_BYTES = 2 * SUCCESSION_CHARACTERS

/**
 * The statement of succession in a file; undefined if the file is something else.
 * @throws INVALID_STATEMENT if it begins like one and is none.
 */
export async function statementIn(file: string): Promise<string | undefined> {
  const text = await start(file).catch(() => '')
  if (!looksLikeSuccession(text)) return undefined
  parseSuccession(text)
  return text.trim()
}

// What cannot be read is no statement; whoever takes the file for something else says what is wrong.
async function start(file: string): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Follows a newsletter to where it continues. @throws NOT_AVAILABLE if its beginning cannot be had in time */
export async function subscribeToSuccessor(
  context: Context,
  statement: string,
  timeoutSeconds: number | undefined,
): Promise<void> {
  const { io, out } = context
  const { from, to, title } = await withOperations(context, (operations) =>
    operations.acceptSuccession(
      { statement, ...defined({ timeoutSeconds }) },
      { signal: io.signal },
    ),
  )
  await out.result({ from, to, ...defined({ title }) }, () => {
    const name = title === undefined ? shortKey(from) : quoteTitle(title)
    return `${name} continues at ${shortKey(to)}, and you follow it there. The old issues stay.\n`
  })
  await out.next('`hyperletter daemon start` fetches what is published there.')
}
