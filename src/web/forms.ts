import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { invalidInput } from '../errors.ts'
import type { Env, Reader } from './context.ts'
import { isSame } from './state.ts'

export type Fields = Readonly<Record<string, string>>

/** Refuses larger bodies before they are in memory. */
export function limited(maxSize: number) {
  return bodyLimit({ maxSize, onError: (c) => c.text('Too large.\n', 413) })
}

/** The texts of a form of our own pages. @throws INVALID_INPUT without the token that only those hold */
export async function readForm(reader: Reader, c: Context<Env>): Promise<Fields> {
  const fields: Record<string, string> = {}
  for (const [name, value] of (await formOf(c)).entries()) {
    if (typeof value === 'string') fields[name] = value
  }
  if (!isSame(fields['token'], reader.secrets.form(c.get('device')?.id))) {
    throw invalidInput('This form is too old, or not from this reader.', {
      hint: 'Load the page again.',
    })
  }
  return fields
}

/** The files of one field; an empty field of a browser is a file without a name. */
export async function readFiles(c: Context<Env>, field: string): Promise<File[]> {
  const all: unknown[] = (await formOf(c)).getAll(field)
  return all.filter((it) => it instanceof File).filter((it) => it.name !== '')
}

// The body is kept: asked for again, it is the same.
async function formOf(c: Context<Env>): Promise<FormData> {
  try {
    return await c.req.formData()
  } catch (cause) {
    throw invalidInput('This is not what a form sends.', { cause })
  }
}
