import { readFile } from 'node:fs/promises'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { codeOf, HyperletterError } from './errors.ts'

/** The settings a person gives, by whatever way; all are text as on a command line. */
export interface Settings {
  readonly dataDir?: string | undefined
  readonly bootstrap?: string | undefined
  readonly host?: string | undefined
  readonly logLevel?: string | undefined
}

const settings = z.strictObject({
  dataDir: z.string().min(1).optional(),
  bootstrap: z.string().optional(),
  host: z.string().min(1).optional(),
  logLevel: z.string().optional(),
})

/** The settings in a TOML file. @throws INVALID_INPUT naming what is wrong with it */
export async function readSettingsFile(path: string): Promise<Settings> {
  try {
    return settings.parse(parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new HyperletterError('INVALID_INPUT', `${path} is not valid: ${complaint(cause)}`, {
      cause,
    })
  }
}

function complaint(error: unknown): string {
  if (error instanceof z.ZodError) {
    const issue = error.issues[0]
    return `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim()
  }
  return codeOf(error) ?? (error instanceof Error ? error.message : String(error))
}
