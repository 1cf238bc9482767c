import { Lab } from '../lab.ts'
import type { LineProcess } from '../lines.ts'
import type { Ground, Offer, Opened, ReaderOptions, Side, Told } from '../sides/side.ts'
import { MIB, type Measured, type Numbers } from './scenario.ts'

/** Waits for the issue that is published, or comes when everything is out. */
export interface DownloadOptions {
  readonly offer: Offer
  readonly reader: ReaderOptions
  /** What the readers need of the publisher. */
  readonly neededBytes: number
  /** Between one reader's coming and the next one's. */
  readonly apartMs?: number
  /** How many leave after a while. */
  readonly leaving?: { readonly readers: number; readonly afterMs: number }
}

/** Has all readers fetch from a publisher; the clock runs from publishing, or from the first reader's coming. */
export async function download(
  side: Side,
  ground: Ground,
  { offer, reader, neededBytes, apartMs = 0, leaving }: DownloadOptions,
): Promise<Measured> {
  const { lab, readers } = ground
  const opened = await side.open(ground, offer)
  const all = await openReaders(opened, readers, reader)
  await lab.sent()
  const beganMs = performance.now()
  if (reader.isLive) {
    for (const it of all) it.say('begin')
    opened.publisher.say('publish')
  } else all.forEach((it, place) => setTimeout(() => it.say('begin'), place * apartMs))
  const staying = all.length - (leaving?.readers ?? 0)
  const cutting = leaving && cutLater(lab, staying, leaving)
  const ended = await ends(all.slice(0, staying))
  await cutting
  const sent = (await lab.sent()).get(Lab.publisher) ?? 0
  return { ms: ended.lastMs - beganMs, copies: sent / neededBytes, readers: ended.told }
}

export async function openReaders(
  { reader, meshMs }: Opened,
  readers: number,
  options: ReaderOptions,
): Promise<readonly LineProcess[]> {
  const all = await Promise.all(Array.from({ length: readers }, (_, at) => reader(at, options)))
  if (options.isLive) await new Promise((resolve) => setTimeout(resolve, meshMs))
  return all
}

/** What readers tell when they have everything, and when the last one did. */
export async function ends(
  readers: readonly LineProcess[],
): Promise<{ told: readonly Told[]; lastMs: number }> {
  const lines = await Promise.all(readers.map((it) => it.next()))
  return {
    told: lines.map(({ line }) => JSON.parse(line) as Told),
    lastMs: Math.max(...lines.map(({ atMs }) => atMs)),
  }
}

/**
 * The least time in which all can have so many bytes: the publisher sends each once, and what readers need is sent by
 * somebody (Kumar and Ross 2006).
 */
export function fluidLimitMs(numbers: Numbers, bytes = numbers.size * MIB): number {
  const { readers, down } = numbers
  const own = publisherUp(numbers)
  const others = Array.from({ length: readers }, (_, place) => readerUp(numbers, place))
  const together = others.reduce((sum, it) => sum + it, own)
  // 1 Mbit/s is 125 bytes a millisecond.
  return Math.max(bytes / own, bytes / down, (readers * bytes) / together) / 125
}

export function publisherUp({ publisherUp: given, up }: Numbers): number {
  return given ?? up
}

export function readerUp({ readerUps, up }: Numbers, place: number): number {
  return readerUps[place % readerUps.length] ?? up
}

async function cutLater(
  lab: Lab,
  from: number,
  { readers, afterMs }: { readers: number; afterMs: number },
): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  for (let place = from; place < from + readers; place++) await lab.cut(Lab.reader(place))
}
