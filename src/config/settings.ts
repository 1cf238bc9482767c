import { defined } from '../defined.ts'
import {
  parseBootstrap,
  parseDiskCap,
  parseCommand,
  parseCount,
  parseHost,
  parseHostNames,
  parseLogLevel,
  parsePeerKeys,
  parsePort,
  parseRate,
  parseSwitch,
  parseText,
  parseWebAddress,
} from './values.ts'

/** One thing that can be set, by a flag, a variable or the file, in this order of weight. */
export interface Setting<T> {
  /** Its flag with what follows it, as help shows it. */
  readonly flag: string
  readonly variable: string
  readonly summary: string
  /** @throws INVALID_INPUT */
  readonly parse: (text: string) => T
  /** What it may be in the file instead of a text. */
  readonly inFile?: 'number' | 'boolean' | 'list'
  /** Other users of the machine must not see it: never an argument of a process that stays. */
  readonly isSecret?: true
}

/** Everything that can be set. Its name in the file is its name here. */
export const SETTINGS = {
  dataDir: setting('--data-dir <folder>', 'HYPERLETTER_HOME', 'data folder', parseText),
  bootstrap: setting(
    '--bootstrap <addresses>',
    'HYPERLETTER_BOOTSTRAP',
    'DHT bootstrap nodes as host:port,…',
    parseBootstrap,
    'list',
  ),
  host: setting('--host <ip>', 'HYPERLETTER_HOST', 'IP address to bind to', parseHost),
  logLevel: setting(
    '--log-level <level>',
    'HYPERLETTER_LOG_LEVEL',
    'silent, error, warn, info or debug',
    parseLogLevel,
  ),
  udpPort: setting(
    '--udp-port <n>',
    'HYPERLETTER_UDP_PORT',
    'UDP port for peers, to open at a router; another one if it is in use',
    parsePort,
    'number',
  ),
  diskCap: setting(
    '--disk-cap <size>',
    'HYPERLETTER_DISK_CAP',
    'disk space for other people’s newsletters, or none for no cap',
    parseDiskCap,
    'number',
  ),
  uploadLimit: setting(
    '--upload-limit <rate>',
    'HYPERLETTER_UPLOAD_LIMIT',
    'maximum upload rate, for example 500 kB/s',
    parseRate,
    'number',
  ),
  downloadLimit: setting(
    '--download-limit <rate>',
    'HYPERLETTER_DOWNLOAD_LIMIT',
    'maximum download rate',
    parseRate,
    'number',
  ),
  maxConnections: setting(
    '--max-connections <n>',
    'HYPERLETTER_MAX_CONNECTIONS',
    'maximum number of peer connections',
    parseCount,
    'number',
  ),
  allowPeers: setting(
    '--allow-peers <keys>',
    'HYPERLETTER_ALLOW_PEERS',
    'devices that may exchange private newsletters',
    parsePeerKeys,
    'list',
  ),
  localDiscovery: setting(
    '--local-discovery <on|off>',
    'HYPERLETTER_LOCAL_DISCOVERY',
    'find peers in the local network',
    parseSwitch,
    'boolean',
  ),
  readerHosts: setting(
    '--reader-hosts <names>',
    'HYPERLETTER_READER_HOSTS',
    'more host names of the web reader, such as that of a tunnel or container',
    parseHostNames,
    'list',
  ),
  metricsPort: setting(
    '--metrics-port <n>',
    'HYPERLETTER_METRICS_PORT',
    'port for /metrics and /healthz, on this machine only',
    parsePort,
    'number',
  ),
  onIssue: setting(
    '--on-issue <command>',
    'HYPERLETTER_ON_ISSUE',
    'program to run for each new issue',
    parseCommand,
  ),
  webhook: secret(
    setting(
      '--webhook <address>',
      'HYPERLETTER_WEBHOOK',
      'web address to post each new issue to',
      parseWebAddress,
    ),
  ),
  webhookSecret: secret(
    setting(
      '--webhook-secret <text>',
      'HYPERLETTER_WEBHOOK_SECRET',
      'secret that signs webhook requests',
      parseText,
    ),
  ),
  notify: setting(
    '--notify <on|off>',
    'HYPERLETTER_NOTIFY',
    'show a desktop notification for each new issue',
    parseSwitch,
    'boolean',
  ),
} as const satisfies Readonly<Record<string, Setting<unknown>>>

export type SettingName = keyof typeof SETTINGS

/** What a person gives, by whatever way; all are text as on a command line. */
export type Settings = { readonly [Name in SettingName]?: string | undefined }

/** What settings mean; those that were not given are absent. */
export type SettingValues = {
  readonly [Name in SettingName]: ReturnType<(typeof SETTINGS)[Name]['parse']> | undefined
}

/** Settings for another process: those that are secret as variables, for everybody sees its arguments. */
export function handOn(given: Settings): {
  readonly flags: readonly string[]
  readonly variables: Readonly<Record<string, string>>
} {
  const flags: string[] = []
  const variables: Record<string, string> = {}
  for (const [name, { flag, variable, isSecret }] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const text = given[name as SettingName]
    if (text === undefined) continue
    if (isSecret === true) variables[variable] = text
    // In one piece, so that a value may begin with a dash.
    else flags.push(`${flag.split(' ', 1)[0]}=${text}`)
  }
  return { flags, variables }
}

function secret<T>(it: Setting<T>): Setting<T> {
  return { ...it, isSecret: true }
}

function setting<T>(
  flag: string,
  variable: string,
  summary: string,
  parse: (text: string) => T,
  inFile?: Setting<T>['inFile'],
): Setting<T> {
  return { flag, variable, summary, parse, ...defined({ inFile }) }
}
