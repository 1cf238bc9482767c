import { waitUntil } from '../async.ts'
import { CarryingPanel, isFollowed, mayCarry } from './carrying.ts'
import { IssueReader, openLight } from './issue-reader.ts'
import { recall, remember, rememberHead } from './known-heads.ts'
import type { TabPeer } from './peer/peer.ts'
import { gatewaysOf, type ReaderPlace } from './place.ts'
import { addressesOf, show, startReading, type Attempt, type ShownIssue } from './reading.ts'

/*
 * The page that a gateway serves: the reader in one file, which becomes a peer of the newsletter once its text is on the
 * screen. Read first is what this browser keeps, then log files, and then what gateways send.
 */

/** How long a gateway may take where there are no log files: to be there, and to send something. */
const FIRST_GATEWAY_MS = 4_000
const FIRST_BLOCK_MS = 15_000

const BLOCK_TIMEOUT_MS = 10_000

/** How far somebody may have read for a newer issue to come up by itself. */
const STILL_AT_TOP_PX = 120

const ELSEWHERE =
  'Another tab of this browser carries this newsletter. This one reads from the network.'
const NOWHERE =
  'This browser keeps nothing for this page, so it only reads. A private window may be the reason, or an address without https.'

/** A newsletter that is open in this tab. */
class Visit {
  readonly place: ReaderPlace
  readonly panel: CarryingPanel
  #light: Promise<IssueReader> | undefined
  #opening: Promise<TabPeer | undefined> | undefined
  #peer: TabPeer | undefined
  #reader: IssueReader | undefined
  #isClosed = false
  #isLooking = false
  /** The log was this long when it was looked at for something newer. */
  #checkedLength = 0
  shown: ShownIssue | undefined

  constructor(place: ReaderPlace) {
    this.place = place
    this.panel = new CarryingPanel(place.feedKey)
  }

  /** Ways to read it, best first. */
  attempts(): readonly Attempt[] {
    return [
      async () => {
        const isKept = recall(this.place.feedKey, '/kept') !== ''
        const peer = this.#peer ?? (isKept ? await this.openPeer() : undefined)
        return peer === undefined || peer.state.length === 0 ? undefined : this.#reader
      },
      () => this.#openLight(),
      async () => {
        const peer = this.#peer ?? (await this.openPeer())
        if (peer === undefined) return undefined
        const begun = performance.now()
        const { log } = peer.feed
        const isDecided = () =>
          log.length > 0 ||
          (peer.state.gateways + peer.state.tabs === 0 &&
            performance.now() - begun > FIRST_GATEWAY_MS)
        await waitUntil(isDecided, { timeoutMs: FIRST_BLOCK_MS })
        return log.length > 0 ? this.#reader : undefined
      },
    ]
  }

  #openLight(): Promise<IssueReader> {
    const opening = this.#light ?? openLight(addressesOf(this.place), this.place)
    this.#light = opening
    opening.catch(() => (this.#light = undefined))
    return opening
  }

  /** Opens the peer, once. Gives none where another tab is it, or nothing can be kept. */
  readonly openPeer = (): Promise<TabPeer | undefined> => (this.#opening ??= this.#open(false))

  close(): void {
    this.#isClosed = true
    void this.#peer?.close()
  }

  async #open(wait: boolean): Promise<TabPeer | undefined> {
    const { place } = this
    try {
      const { TabPeer: Peer } = await import('./peer/peer.ts')
      if (!('locks' in navigator)) throw new Error('Two tabs could not agree who writes.')
      const peer = await Peer.open(
        {
          ...place,
          gateways: gatewaysOf(place, new URL(location.href)),
          bases: addressesOf(place),
          isCarrying: mayCarry(place.feedKey),
          isFollowed: isFollowed(place.feedKey),
          onChange: () => this.#changed(),
        },
        wait,
      )
      if (peer === undefined) {
        await this.panel.show(undefined, ELSEWHERE)
        // It may be closed while this one stays.
        if (!this.#isClosed) void this.#open(true)
        return undefined
      }
      if (this.#isClosed) {
        await peer.close()
        return undefined
      }
      this.#peer = peer
      this.#reader = new IssueReader(peer.feed.log, {
        feedKey: place.feedKey,
        from: 'what this browser keeps, gateways and other tabs',
        options: () => ({
          wait: peer.state.gateways + peer.state.tabs > 0,
          timeoutMs: BLOCK_TIMEOUT_MS,
        }),
      })
      this.#changed()
      return peer
    } catch {
      await this.panel.show(undefined, NOWHERE)
      return undefined
    }
  }

  // Often: for each block that arrives.
  #changed(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    setTimeout(() => {
      this.#isLooking = false
      void this.#look()
    }, 250)
  }

  async #look(): Promise<void> {
    const peer = this.#peer
    if (peer === undefined || this.#isClosed) return
    const { state, feed } = peer
    Object.assign(document.documentElement.dataset, {
      kept: `${state.heldBlocks}/${state.length}`,
      gateways: String(state.gateways),
      tabs: String(state.tabs),
      failure: state.failure ?? '',
    })
    await this.panel.show(peer)
    if (state.heldBlocks === 0) return
    remember(this.place.feedKey, '/kept', 'yes')
    if (feed.holds({ start: state.length - 1, end: state.length })) {
      rememberHead(this.place.feedKey, state.length, await feed.log.treeHash())
    }
    await this.#showNewer()
  }

  async #showNewer(): Promise<void> {
    const { shown } = this
    if (shown === undefined || !shown.isCurrent() || shown.place.number !== undefined) return
    const { length } = this.#reader?.log ?? { length: 0 }
    if (length === this.#checkedLength) return
    this.#checkedLength = length
    const newest = await this.#reader?.issue().catch(() => undefined)
    // It is on its way, or was not to be had now: then again with the next block.
    if (newest === undefined) this.#checkedLength = 0
    const before = shown.issue.located
    const after = newest?.located
    if (after === undefined || !shown.isCurrent()) return
    const isNewer =
      after.record.number > before.record.number ||
      (after.index === before.index && after.amendments.length > before.amendments.length) ||
      (after.index === before.index &&
        after.retraction !== undefined &&
        before.retraction === undefined)
    if (!isNewer) return
    if (scrollY < STILL_AT_TOP_PX) await show(true)
    else offer()
  }
}

/** Says that there is a newer issue, without taking away what is being read. */
function offer(): void {
  if (document.querySelector('#newer') !== null) return
  const button = document.createElement('button')
  button.id = 'newer'
  button.className = 'button primary'
  button.textContent = 'Show the newer issue'
  button.addEventListener('click', () => {
    button.remove()
    scrollTo(0, 0)
    void show(true)
  })
  document.body.append(button)
}

// Safari has no such call.
function whenIdle(work: () => void): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(work, { timeout: 1_000 })
  else setTimeout(work, 200)
}

let visit: Visit | undefined
const end = document.createElement('div')

startReading({
  footer: end,
  readersOf(place) {
    const isSame =
      visit?.place.feedKey === place.feedKey && visit.place.encryptionKey === place.encryptionKey
    if (visit === undefined || !isSame) {
      visit?.close()
      visit = new Visit(place)
      end.replaceChildren(visit.panel.element)
    }
    return visit.attempts()
  },
  onShown(shown) {
    if (visit === undefined) return
    visit.shown = shown
    const { openPeer } = visit
    whenIdle(() => void openPeer())
  },
})

if ('serviceWorker' in navigator) {
  // Without one, the page is not there when its server is not.
  navigator.serviceWorker.register('sw.js').catch(() => undefined)
}
