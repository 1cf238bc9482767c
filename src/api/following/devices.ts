import type { Work } from '../work.ts'
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { SerialQueue } from '../../async.ts'
import { replaceSynced } from '../../atomic-file.ts'
import type { Engine } from '../../engine/engine.ts'
import { codeOf, HyperletterError, invalidInput } from '../../errors.ts'
import { ignoreFullDisk } from '../../storage-errors.ts'
import type { Output } from '../contract/contract.ts'

const FILE = 'devices.json'

const MAX_DEVICES = 32

/** 256 bits: nobody guesses one, so a fast hash protects it. */
const TOKEN_BYTES = 32

/** A use is written down this often, and not at each request. */
const NOTE_USE_EVERY_MS = 60 * 60_000

const stored = z.looseObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  name: z.string(),
  /** SHA-256 of the token, in hex; the token itself is on the device alone. */
  tokenHash: z.string().regex(/^[0-9a-f]{64}$/),
  addedAt: z.string(),
  usedAt: z.string().optional(),
})
type Stored = z.infer<typeof stored>
/** One change at a time, and the list as it is on disk: nobody else writes it while the engine has its folder. */
interface State {
  readonly queue: SerialQueue
  devices: Promise<readonly Stored[]>
}
const states = new WeakMap<Engine, State>()

/** @throws INVALID_INPUT, TOO_LARGE */
export const addDevice: Work<'addDevice'> = (engine, { name }) => {
  return change(engine, (devices) => {
    if (devices.length >= MAX_DEVICES) {
      throw new HyperletterError('TOO_LARGE', `There are ${MAX_DEVICES} devices already.`, {
        hint: 'Remove one: hyperletter devices remove <name>',
      })
    }
    const free = name ?? freeName(devices)
    if (devices.some((it) => it.name === free)) {
      throw invalidInput(`There is a device “${free}” already.`, {
        hint: 'Choose another name, or remove that one.',
      })
    }
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const device = {
      id: randomBytes(4).toString('hex'),
      name: free,
      tokenHash: hashOf(token).toString('hex'),
      addedAt: new Date().toISOString(),
    }
    return [[...devices, device], { ...shown(device), token }]
  })
}

export const listDevices: Work<'listDevices'> = async (engine) => {
  return (await stateOf(engine).devices).map(shown)
}

/** @throws INVALID_INPUT */
export const removeDevice: Work<'removeDevice'> = (engine, { device: wanted }) => {
  return change(engine, (devices) => {
    const found = devices.find((it) => it.id === wanted || it.name === wanted)
    if (found === undefined) {
      throw invalidInput(`There is no device “${wanted}”.`, {
        hint: '`hyperletter devices list` shows them.',
      })
    }
    return [devices.filter((it) => it !== found), shown(found)]
  })
}

/** The device that a token belongs to, compared in constant time; null if it is nobody's. */
export const admitDevice: Work<'admitDevice'> = async (engine, { token }) => {
  const given = hashOf(token)
  const devices = await stateOf(engine).devices
  const found = devices.find((it) => timingSafeEqual(Buffer.from(it.tokenHash, 'hex'), given))
  if (found === undefined) return null
  const usedAt = new Date()
  const unused = found.usedAt === undefined ? Infinity : usedAt.getTime() - Date.parse(found.usedAt)
  if (unused > NOTE_USE_EVERY_MS && engine.readOnlyFor === undefined) {
    await noteUse(engine, found.id, usedAt.toISOString()).catch(ignoreFullDisk)
  }
  return shown(found)
}

async function noteUse(engine: Engine, id: string, usedAt: string): Promise<void> {
  await change(engine, (devices) => [
    devices.map((it) => (it.id === id ? { ...it, usedAt } : it)),
    undefined,
  ])
}

function shown({ id, name, addedAt, usedAt }: Stored): Output<'listDevices'>[number] {
  return { id, name, addedAt, ...(usedAt !== undefined && { usedAt }) }
}

function freeName(devices: readonly Stored[]): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? 'phone' : `phone ${number}`
    if (devices.every((it) => it.name !== name)) return name
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function stateOf(engine: Engine): State {
  const known = states.get(engine)
  if (known !== undefined) return known
  const state = { queue: new SerialQueue(), devices: load(pathIn(engine)) }
  // A file that cannot be read now may be readable later.
  state.devices.catch(() => states.delete(engine))
  states.set(engine, state)
  return state
}

function change<T>(
  engine: Engine,
  make: (devices: readonly Stored[]) => readonly [readonly Stored[], T],
): Promise<T> {
  const state = stateOf(engine)
  return state.queue.run(async () => {
    const [devices, result] = make(await state.devices)
    const text = `${JSON.stringify({ devices }, undefined, 2)}\n`
    await replaceSynced(pathIn(engine), [Buffer.from(text)])
    state.devices = Promise.resolve(devices)
    return result
  })
}

// A damaged file must let nobody in; what it says must not be lost by the next change either.
async function load(path: string): Promise<readonly Stored[]> {
  try {
    const text = await readFile(path, 'utf8')
    return z.object({ devices: z.array(stored).max(MAX_DEVICES) }).parse(JSON.parse(text)).devices
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw invalidInput(`${path} cannot be read.`, {
      hint: 'Remove it, and add your devices again.',
      cause,
    })
  }
}

function pathIn(engine: Engine): string {
  return join(engine.live.value.dataDir, FILE)
}
