import { readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import { makeDirectory, replaceSynced } from '../../atomic-file.ts'
import { attempt, ifMissing } from '../../errors.ts'
import { decodeEnvelope, type Envelope } from '../../format/letters/envelope.ts'
import { nativeCrypto } from '../../log/keys.ts'

const base64 = z.string().max(32_768)
const key = z.string().length(52)

/** By id, and by the hash of sender and content, which stays when its sender signs it anew; in hex. */
const decision = z.object({ id: z.string(), content: z.string() })

const stored = z.object({
  version: z.literal(1),
  /** Letters of others that are carried. */
  box: z.array(z.object({ envelope: base64, worth: z.number() })),
  /** What the author said to carriers. */
  said: z.array(base64),
  /** Letters that this user wrote. */
  sent: z.array(
    z.object({
      envelope: base64,
      content: base64,
      /** Milliseconds since 1970. */
      firstAt: z.number(),
      /** The author has it. */
      isReceived: z.boolean(),
      /** Ids that it had before it was signed anew. */
      earlier: z.array(z.string()).readonly().optional(),
    }),
  ),
  /** Letters that wait for this user, who is the author, in the order in which they came. */
  inbox: z.array(z.object({ number: z.int().positive(), envelope: base64 })),
  lastNumber: z.int(),
  /** Letters that reached this user and wait no more, oldest first. */
  decided: z.array(decision),
  /** Senders of whom this user, who is the author, wants nothing more. */
  blocked: z.array(key),
  code: key.optional(),
})

type Stored = z.infer<typeof stored>

export interface Sent {
  readonly letter: Envelope
  readonly content: Uint8Array
  /** Milliseconds since 1970. Its sender signs a letter anew that did not arrive. */
  readonly firstAt: number
  readonly isReceived: boolean
  /** Ids that it had before it was signed anew. */
  readonly earlier?: readonly string[] | undefined
}

export interface Received {
  readonly letter: Envelope
  readonly number: number
}

/** What is kept of the letters of one newsletter for its user. */
export interface OwnLetters extends Pick<Stored, 'lastNumber'> {
  /** Letters that this user wrote, oldest first. */
  readonly sent: readonly Sent[]
  /** Letters that wait for this user, oldest first. */
  readonly inbox: readonly Received[]
  readonly decided: readonly Readonly<z.infer<typeof decision>>[]
  /** Senders of whom this user, who is the author, wants nothing more; z-base-32. */
  readonly blocked: readonly string[]
  /** The admission code that this user has: a seed of 32 bytes in z-base-32. */
  readonly code?: string | undefined
}

export interface LetterFile {
  readonly own: OwnLetters
  readonly box: readonly { readonly bytes: Uint8Array; readonly worth: number }[]
  readonly said: readonly Uint8Array[]
}

/** Undefined where there is none. One that is damaged is put aside: what was carried is offered again by others. */
export async function readLetterFile(path: string): Promise<LetterFile | undefined> {
  const text = await readFile(path, 'utf8').catch(ifMissing(undefined))
  if (text === undefined) return undefined
  const found = attempt(() => stored.parse(JSON.parse(text)))
  if (found === undefined) {
    await rename(path, `${path}.damaged`)
    return undefined
  }
  const { box, said, sent, inbox, lastNumber, blocked, code } = found
  return {
    box: box.map((it) => ({ bytes: bytesOf(it.envelope), worth: it.worth })),
    said: said.map(bytesOf),
    own: {
      sent: sent.flatMap((it) =>
        withLetter(it).map((letter) => ({ ...letter, content: bytesOf(it.content) })),
      ),
      inbox: inbox.flatMap(withLetter),
      lastNumber,
      decided: found.decided,
      blocked,
      code,
    },
  }
}

/** Once this resolves, it survives a power loss. @throws DISK_FULL */
export async function writeLetterFile(
  path: string,
  { box, said, own: { sent, inbox, lastNumber, decided, blocked, code } }: LetterFile,
): Promise<void> {
  const written: Stored = {
    version: 1,
    box: box.map(({ bytes, worth }) => ({ envelope: textOf(bytes), worth })),
    said: said.map(textOf),
    sent: sent.map((it) => ({ ...withText(it), content: textOf(it.content) })),
    inbox: inbox.map(withText),
    lastNumber,
    decided: [...decided],
    blocked: [...blocked],
    ...(code !== undefined && { code }),
  }
  await makeDirectory(dirname(path))
  await replaceSynced(path, [Buffer.from(JSON.stringify(written))])
}

function withLetter<T extends { readonly envelope: string }>(it: T) {
  const { envelope: text, ...others } = it
  const letter = decodeEnvelope(bytesOf(text), nativeCrypto)
  return letter === undefined ? [] : [{ ...others, letter }]
}

function withText<T extends { readonly letter: Envelope }>(it: T) {
  const { letter, ...others } = it
  return { ...others, envelope: textOf(letter.bytes) }
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
