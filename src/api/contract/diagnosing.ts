import * as z from 'zod'
import {
  count,
  diskStatus,
  feedKey,
  gatewayFacts,
  newsletterRef,
  newsletterStatus,
  none,
  problem,
  role,
  traffic,
  value,
  named,
} from './parts.ts'

/** One thing that was looked at. */
const check = z.object({
  /** What it is about, in a word or two. */
  name: z.string(),
  state: z.enum(['ok', 'warning', 'failed']),
  message: z.string(),
  /** What to do. */
  next: z.string().optional(),
})

/** Why something of a newsletter is not here, or that nothing is missing. */
const reason = z.object({
  code: z.enum([
    'complete',
    'fork',
    'needs-key',
    'disk-full',
    'left-out',
    'too-large',
    'offline',
    'nothing-yet',
    'no-dht',
    'nobody-announces',
    'unreachable',
    'nobody-holds',
    'fetching',
    'retracted',
    'mirrors',
    'gateway',
    'relayed',
  ]),
  message: z.string(),
  next: z.string().optional(),
})

/** What a device relays between peers who cannot reach each other. */
const relay = z.object({
  /** Whether peers are told of it now. */
  offered: z.boolean(),
  /** Pairs of peers now. */
  pairs: count,
  /** Bytes of this day of UTC, of which there is a limit. */
  bytesToday: count,
  /** Since the start. */
  bytes: count,
})

const settingText = z.string().min(1).max(64).nullable().optional()

/** The part of the contract that says what is wrong. */
export const diagnosingContract = {
  status: value(
    none,
    z.object({
      via: z.enum(['daemon', 'engine']),
      online: z.boolean(),
      /** Connections to other peers, over all newsletters. */
      peers: count,
      /** Those of them in the same local network, over TCP. */
      localPeers: count,
      /** Those of them that no way leads to but a relay. Absent from an older daemon. */
      relayedPeers: count.optional(),
      /** What this device relays for others; absent where it relays nothing. */
      relay: relay.optional(),
      dataDir: z.string(),
      bytesOnDisk: count,
      /** What keeps this device from storing anything, or soon will. */
      problem: problem.optional(),
      disk: diskStatus,
      /** Limits that somebody set; rates in bytes a second. Absent from an older daemon. */
      limits: z
        .object({
          diskCap: count.optional(),
          uploadLimit: count.optional(),
          downloadLimit: count.optional(),
          maxConnections: count.optional(),
          /** Nothing is exchanged until it is set to off. */
          pause: z.boolean(),
        })
        .optional(),
      newsletters: z.array(newsletterStatus),
      /** Over all runs since then, also of newsletters that have left. Absent from an older daemon. */
      traffic: traffic.extend({ since: z.string() }).optional(),
      /** The gateway of the daemon; absent where none is set. */
      web: gatewayFacts.optional(),
      /** Drafts that are published later; absent where none waits. */
      scheduled: z
        .array(z.object({ title: z.string(), at: z.string(), problem: z.string().optional() }))
        .optional(),
    }),
  ),

  /** Looks at everything that newsletters need, each thing within a deadline. */
  diagnose: value(
    none,
    z.object({
      /** Public key of this device, in hex. */
      publicKey: z.string(),
      checks: z.array(check),
    }),
  ),

  /** Numbers for monitoring: cheap, also with a thousand newsletters, none of which is opened for it. */
  measure: value(
    none,
    z.object({
      online: z.boolean(),
      /** What keeps this device from storing anything. */
      problem: z.object({ code: z.string(), message: z.string() }).optional(),
      dataBytes: count,
      freeBytes: count,
      /** What others wrote takes, and may take if there is a cap. */
      usedBytes: count,
      capBytes: count.optional(),
      /** Absent while offline. */
      network: z
        .object({
          connections: count,
          /** Those of them in the same local network, over TCP. */
          localConnections: count,
          /** Those of them that run through a relay. Absent from an older daemon. */
          relayedConnections: count.optional(),
          /** What this device relays for others; absent where it relays nothing. */
          relay: relay.optional(),
          knownPeers: count,
          bannedPeers: count,
          dhtNodes: count,
          attempts: count,
          connected: count,
          /** By the code of the failure. */
          failed: z.record(z.string(), count),
        })
        .optional(),
      /** The gateway of the daemon; absent where none is set. */
      web: gatewayFacts.optional(),
      newsletters: z.array(
        z.object({
          feedKey,
          private: z.boolean(),
          roles: z.array(role),
          /** Of those that are open. */
          length: count.optional(),
          heldBlocks: count.optional(),
          peers: count,
          fullCopies: count,
          uploadedBytes: count,
          downloadedBytes: count,
          /** The same over all runs. */
          totals: traffic.optional(),
          /** Web servers that were asked for it, by how it stands with them. */
          mirrors: z.record(z.string(), count),
          /** Received from them. */
          mirrorBytes: count,
          /** Code of a damage of the log. */
          problem: z.string().optional(),
        }),
      ),
    }),
  ),

  /** Sets limits for good, in the settings file, as texts; null sets one no more. In force at once. */
  changeSettings: value(
    z.strictObject({
      settings: z.strictObject({
        diskCap: settingText,
        uploadLimit: settingText,
        downloadLimit: settingText,
        maxConnections: settingText,
        pause: settingText,
      }),
    }),
    z.object({
      /** Names of those that had other values before. */
      changed: z.array(z.string()),
    }),
  ),

  /** How many peers held a newsletter in each hour of the last week; hours without the network are left out. */
  copyHistory: value(
    z.strictObject({ newsletter: newsletterRef }),
    z.array(
      z.object({
        /** When the first of some equal hours began, ISO 8601 in UTC. */
        from: z.string(),
        hours: count,
        /** The most at a time: peers that replicated it, and those of them that held all of it. */
        peers: count,
        copies: count,
      }),
    ),
  ),

  /** Why a newsletter is not complete here. Asks peers and the DHT, within a deadline. */
  explainNewsletter: value(
    z.strictObject({ newsletter: newsletterRef }),
    z.object({
      ...named,
      complete: z.boolean(),
      heldBlocks: count,
      length: count,
      /** Peers that replicate it with us now. */
      peers: count,
      /** What weighs most comes first; one at least. */
      reasons: z.array(reason),
    }),
  ),
} as const
