import {
  cp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'

/** Where each file is damaged: sevenths of it, and the end. */
export const PLACES = [0, 1, 2, 3, 4, 5, 6] as const
export const KINDS = ['flip', 'cut'] as const

export interface Damage {
  /** Below the data directory. */
  readonly file: string
  readonly kind: (typeof KINDS)[number]
  readonly place: (typeof PLACES)[number]
}

/** The file by which the stack knows a store from a copy of it: by its inode and when it was written. */
const DEVICE_FILE = join('store', 'CORESTORE')

/** A closed data directory that can be damaged and put back. */
export class Damageable {
  readonly config: Config
  readonly #pristine: string
  readonly files: readonly string[]

  private constructor(config: Config, pristine: string, files: readonly string[]) {
    this.config = config
    this.#pristine = pristine
    this.files = files
  }

  /** @param pristine a directory that is free. */
  static async of(config: Config, pristine: string): Promise<Damageable> {
    await cp(config.dataDir, pristine, { recursive: true })
    return new Damageable(config, pristine, await filesBelow(pristine))
  }

  async apply({ file, kind, place }: Damage): Promise<void> {
    const path = join(this.config.dataDir, file)
    const { size } = await stat(path)
    const at = Math.floor((size * place) / PLACES.length)
    if (kind === 'cut') await truncate(path, at)
    else {
      const bytes = await readFile(path)
      for (let i = at; i < Math.min(at + 8, size); i++)
        bytes.writeUInt8(bytes.readUInt8(i) ^ 0xa5, i)
      await writeFile(path, bytes)
    }
    if (file === DEVICE_FILE) await this.#keepTime()
  }

  async putBack(): Promise<void> {
    const { dataDir } = this.config
    for (const it of await readdir(dataDir)) {
      if (it.startsWith('store.damaged')) {
        await rm(join(dataDir, 'store'), { recursive: true })
        await rename(join(dataDir, it), join(dataDir, 'store'))
      } else if (it !== 'store') await rm(join(dataDir, it), { recursive: true })
    }
    await rm(join(dataDir, 'store', 'db'), { recursive: true, force: true })
    await cp(this.#pristine, dataDir, {
      recursive: true,
      filter: (source) => !source.endsWith(DEVICE_FILE),
    })
    // Written anew but not made anew, for its inode.
    await writeFile(join(dataDir, DEVICE_FILE), await readFile(join(this.#pristine, DEVICE_FILE)))
    await this.#keepTime()
  }

  async #keepTime(): Promise<void> {
    const text = await readFile(join(this.#pristine, DEVICE_FILE), 'utf8')
    const seconds = Number(/created=(\d+)/.exec(text)?.[1]) / 1_000
    await utimes(join(this.config.dataDir, DEVICE_FILE), seconds, seconds)
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true })
  const sizes = await Promise.all(found.map((it) => stat(join(directory, it))))
  return found.filter((_, i) => sizes[i]?.isFile() === true && sizes[i].size > 0).toSorted()
}
