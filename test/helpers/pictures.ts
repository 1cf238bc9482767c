import { randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Address, Config } from '../../src/config/config.ts'
import { encodeContent } from '../../src/format/content/content-codec.ts'
import { composeIssue, type IssueEntry, type LogPosition } from '../../src/format/history/entry.ts'
import type { Feed } from '../../src/format/feed.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { configOf, openEngine } from './engines.ts'
import { beginNewsletter } from './newsletters.ts'
import { openPeer, type Peer } from './peers.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface PicturesOptions {
  readonly issues: number
  /** Of the picture of each issue, which no compression makes smaller. */
  readonly pictureBytes: number
  readonly isPrivate?: boolean
  readonly seed?: number
  /** False: it announces nothing before `engine.network()`. */
  readonly isOnline?: boolean
}

export interface PicturesAuthor extends Peer {
  readonly feed: Feed
  readonly feedKey: string
  readonly link: string
  /** Publishes one more issue. */
  readonly publish: (pictureBytes: number, publishedAt?: string) => Promise<void>
}

/** Issues of one append. */
const AT_ONCE = 10

/** A peer with a newsletter that takes room, announced. */
export async function openPicturesAuthor(
  network: readonly Address[],
  { issues, pictureBytes, isPrivate = false, seed = 1, isOnline = true }: PicturesOptions,
): Promise<PicturesAuthor> {
  // Online only once all is written: that keeps the process busy, which looks like sleep to the network.
  const peer = await openPeer(network, { isOnline: false })
  const { feed, entry } = await beginNewsletter(peer.engine, { seed, isPrivate })
  let number = 0
  const compose = (sizeBytes: number, publishedAt?: string) =>
    issueWithPicture({ title: `Issue ${++number}`, sizeBytes, publishedAt })
  const publish = async (sizeBytes: number, publishedAt?: string) => {
    await peer.engine.author.append(feed, [await compose(sizeBytes, publishedAt)])
  }
  for (let left = issues; left > 0; left -= AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, left) }, () => compose(pictureBytes))
    await peer.engine.author.append(feed, await Promise.all(some))
  }
  if (isOnline) await peer.engine.network()
  const secret = entry.encryptionKey === undefined ? '' : `#${entry.encryptionKey}`
  const { feedKey } = feed
  return { ...peer, feed, feedKey, publish, link: `hyperletter://${feedKey}${secret}` }
}

async function issueWithPicture(about: {
  title: string
  sizeBytes: number
  publishedAt?: string | undefined
}): Promise<(at: LogPosition) => IssueEntry> {
  const { title, sizeBytes, publishedAt = '2026-03-02T07:00:00Z' } = about
  const text = new TextEncoder().encode(`# ${title}\n\n![A tide](tide.png)\n`)
  const body = await encodeContent(text, 'text/markdown')
  const picture = await encodeContent(randomBytes(sizeBytes), 'image/png')
  const attached = [{ name: 'tide.png', ...picture }]
  return (at) => composeIssue(at, { title, publishedAt }, body, attached)
}

export interface CappedPeer extends Peer {
  readonly config: Config
  /** The most that the data directory took so far, as `du` counts. */
  readonly most: () => number
}

/** A peer with a disk cap whose data directory is watched. */
export async function openCapped(
  network: readonly Address[],
  diskCap: number,
  dataDir?: string,
): Promise<CappedPeer> {
  const dir = dataDir ?? (await temporaryDirectory())
  const config = { ...configOf(dir, network), diskCap }
  const engine = await openEngine({ config })
  let most = 0
  const over = new AbortController()
  const sampling = (async () => {
    while (!over.signal.aborted) {
      most = Math.max(most, await bytesOnDisk(dir))
      await new Promise((resolve) => {
        setTimeout(resolve, 25)
      })
    }
  })()
  onTestFinished(async () => {
    over.abort()
    await sampling
  })
  await engine.network()
  return { engine, operations: bindOperations(engine, 'engine'), config, most: () => most }
}

/** What all files below a directory take, as `du` counts. */
export async function bytesOnDisk(dir: string): Promise<number> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  const sizes = entries.map(async (it) => {
    const found = await stat(join(it.parentPath, it.name)).catch(() => undefined)
    return found?.isFile() === true ? Math.max(found.size, found.blocks * 512) : 0
  })
  return (await Promise.all(sizes)).reduce((sum, it) => sum + it, 0)
}

/** Numbers of the issues that can be read here at once, newest first. */
export async function heldNumbers(
  { operations }: { readonly operations: Operations },
  newsletter: string,
): Promise<number[]> {
  const issues = await operations.listIssues({ newsletter })
  return issues.filter((it) => it.held).map((it) => it.number)
}
