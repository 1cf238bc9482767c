import { HyperletterError, invalidInput } from '../../errors.ts'
import { printable } from '../source.ts'

/** Longest record: a post with its HTML, twice over. */
const MAX_RECORD_CHARACTERS = 16 * 1024 * 1024

/**
 * The records of a CSV file with a head, by the names of its columns, in lower case.
 * @throws INVALID_INPUT where it is no CSV, such as with a quote that does not end
 */
export async function* csvRecords(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<ReadonlyMap<string, string>> {
  const { parse } = await import('csv-parse')
  const { pipeline } = await import('node:stream')
  const parser = parse({
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARACTERS,
  })
  // Its failure is that of the loop below.
  pipeline(bytes, parser, () => undefined)
  let columns: string[] | undefined
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      if (columns === undefined) columns = record.map((it) => it.trim().toLowerCase())
      else yield new Map(columns.map((name, at) => [name, record[at] ?? '']))
    }
  } catch (error) {
    if (error instanceof HyperletterError) throw error
    const words = printable((error as Error).message, 200)
    throw invalidInput(`The CSV file cannot be read: ${words}.`, {
      hint: 'Download the export again.',
      cause: error,
    })
  }
}
