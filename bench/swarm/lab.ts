import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LineProcess } from './lines.ts'

const run = promisify(execFile)

const SOURCE = fileURLToPath(new URL('switch.c', import.meta.url))

/** Of one machine, in Mbit/s. */
export interface Rates {
  readonly up: number
  readonly down: number
}

export interface LabOptions {
  /** Machines besides the publisher and the one with the DHT. */
  readonly readers: number
  /** Of all but the DHT, whose line has no limit. */
  readonly rates: (address: string) => Rates
  readonly rttMs: number
  /** Folder for what is built. */
  readonly dir: string
}

/** A packet waits at most so long for a link; one that would wait longer is dropped. */
const QUEUE_MS = 100

/** A network of machines in namespaces of this machine's kernel. Needs root, gcc and ip. */
export class Lab {
  static readonly publisher = '10.77.0.1'
  static readonly dht = '10.77.200.1'

  readonly #prefix = `swarm${process.pid}`
  readonly #processes: LineProcess[] = []
  readonly #addresses: string[]
  #switch: LineProcess | undefined
  /** By address, since it was last asked for. */
  #sent = new Map<string, number>()

  private constructor(addresses: string[]) {
    this.#addresses = addresses
  }

  static async open({ readers, rates, rttMs, dir }: LabOptions): Promise<Lab> {
    const binary = `${dir}/switch`
    await run('gcc', ['-O2', '-o', binary, SOURCE])
    const readerAddresses = Array.from({ length: readers }, (_, i) => Lab.reader(i))
    const lab = new Lab([Lab.publisher, ...readerAddresses, Lab.dht])
    try {
      for (const it of lab.#addresses) await run('ip', ['netns', 'add', lab.#space(it)])
      const machines = lab.#addresses.map((it) => {
        const { up, down } = it === Lab.dht ? { up: 0, down: 0 } : rates(it)
        return `${lab.#space(it)},${it},${up},${down}`
      })
      lab.#switch = new LineProcess([binary, `${rttMs}`, `${QUEUE_MS}`, ...machines])
      await lab.#switch.next()
      return lab
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  static reader(place: number): string {
    return `10.77.${place + 1}.1`
  }

  /** Starts a program on one of the machines. */
  start(address: string, argv: readonly string[]): LineProcess {
    const child = new LineProcess(['ip', 'netns', 'exec', this.#space(address), ...argv])
    this.#processes.push(child)
    return child
  }

  /** Bytes that each uplink has sent since the last call, by address. */
  async sent(): Promise<ReadonlyMap<string, number>> {
    await this.#say('sent')
    const sent = this.#sent
    this.#sent = new Map()
    return sent
  }

  /** Takes a machine off the network. */
  async cut(address: string): Promise<void> {
    await this.#say(`cut ${this.#space(address)}`)
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((it) => it.stop()))
    await this.#switch?.stop()
    for (const it of this.#addresses) {
      await run('ip', ['netns', 'delete', this.#space(it)]).catch(() => undefined)
    }
  }

  // The switch answers everything with what has been sent since the last time.
  async #say(command: string): Promise<void> {
    this.#switch?.say(command)
    const { line } = (await this.#switch?.next()) ?? { line: '{}' }
    const bytes = JSON.parse(line) as Record<string, number>
    for (const it of this.#addresses) {
      this.#sent.set(it, (this.#sent.get(it) ?? 0) + (bytes[this.#space(it)] ?? 0))
    }
  }

  #space(address: string): string {
    return `${this.#prefix}-${address.split('.').slice(2).join('-')}`
  }
}
