import { parseCommand } from './command-line.ts'
import {
  parseBootstrap,
  parseDiskCap,
  parseDuration,
  parseCount,
  parseHost,
  parseMailServer,
  parseMailDigest,
  parseMailbox,
  parseFolder,
  parseGatewayAddress,
  parseHostNames,
  parseIpAddresses,
  parseListenAddress,
  parseLogLevel,
  parseMirrors,
  parseNames,
  parsePeerKeys,
  parsePort,
  parseRate,
  parseSwitch,
  parseText,
  parseUnread,
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

/** A setting without its names: flag and variable follow from its name in the file, unless a variable is given. */
type Definition<T> = Omit<Setting<T>, 'flag' | 'variable'> & {
  readonly value: string
  readonly variable?: string
}

function define<T>(
  value: string,
  summary: string,
  parse: (text: string) => T,
  more: Pick<Definition<T>, 'inFile' | 'isSecret' | 'variable'> = {},
): Definition<T> {
  return { value, summary, parse, ...more }
}

const list = { inFile: 'list' } as const
const number = { inFile: 'number' } as const
const boolean = { inFile: 'boolean' } as const
const secret = { isSecret: true } as const

const DEFINITIONS = {
  dataDir: define('<folder>', 'data folder', parseText, { variable: 'HYPERLETTER_HOME' }),
  bootstrap: define('<addresses>', 'DHT bootstrap nodes as host:port,…', parseBootstrap, list),
  host: define('<ip>', 'IP address to bind to', parseHost),
  logLevel: define('<level>', 'silent, error, warn, info or debug', parseLogLevel),
  udpPort: define(
    '<n>',
    'UDP port for peers, to open at a router; another one if it is in use',
    parsePort,
    number,
  ),
  diskCap: define(
    '<size>',
    'disk space for other people’s newsletters, or none for no cap',
    parseDiskCap,
    number,
  ),
  uploadLimit: define('<rate>', 'maximum upload rate, for example 500 kB/s', parseRate, number),
  downloadLimit: define('<rate>', 'maximum download rate', parseRate, number),
  maxConnections: define('<n>', 'maximum number of peer connections', parseCount, number),
  pause: define(
    '<on|off>',
    'exchange nothing: no connections to peers, nothing from web servers',
    parseSwitch,
    boolean,
  ),
  allowPeers: define(
    '<keys>',
    'devices that may exchange private newsletters',
    parsePeerKeys,
    list,
  ),
  localDiscovery: define('<on|off>', 'find peers in the local network', parseSwitch, boolean),
  relayOffer: define(
    '<on|off>',
    'relay between readers of your newsletters who cannot reach each other',
    parseSwitch,
    boolean,
  ),
  relayUse: define('<keys>', 'devices whose relays serve for all newsletters', parsePeerKeys, list),
  hideAddress: define(
    '<on|off>',
    'hide the IP address from peers: connect only through the devices of --relay-use',
    parseSwitch,
    boolean,
  ),
  mirrors: define(
    '<on|own|off>',
    'web servers to ask for what no peer has: all, only those added here, or none',
    parseMirrors,
  ),
  readerHosts: define(
    '<names>',
    'more host names of the web reader, such as that of a tunnel or container',
    parseHostNames,
    list,
  ),
  webAddress: define(
    '<ip>[:<port>]',
    'where other devices find the web reader',
    parseListenAddress,
  ),
  gateway: define(
    '<ip>[:<port>]',
    'open a gateway there: browsers and programs anywhere read newsletters through it',
    parseListenAddress,
  ),
  gatewayAddress: define(
    '<url>',
    'web address of the gateway, which a server with TLS passes on to it',
    parseGatewayAddress,
  ),
  gatewayNewsletters: define(
    '<own|all|names>',
    'newsletters on the gateway: own, all public ones, or names; a private one only by its name',
    parseNames,
    list,
  ),
  gatewayTabs: define('<n>', 'maximum number of browser tabs on the gateway', parseCount, number),
  gatewayProxies: define(
    '<ips>',
    'servers before the gateway whose X-Forwarded-For counts',
    parseIpAddresses,
    list,
  ),
  gatewayStun: define(
    '<ip>[:<port>]',
    'UDP address where the gateway tells tabs how others reach them, so that they connect directly',
    parseListenAddress,
  ),
  metricsPort: define(
    '<n>',
    'port for /metrics and /healthz, on this machine only',
    parsePort,
    number,
  ),
  hold: define('<time>', 'time in which a publication can be taken back: 60s, 5min', parseDuration),
  onIssue: define('<command>', 'program to run for each new issue', parseCommand),
  webhook: define('<address>', 'web address to post each new issue to', parseWebAddress, secret),
  webhookSecret: define('<text>', 'secret that signs webhook requests', parseText, secret),
  notify: define(
    '<on|off>',
    'show a desktop notification for each new issue',
    parseSwitch,
    boolean,
  ),
  unread: define(
    '<n|all>',
    'how many of its newest issues are unread when you follow a newsletter',
    parseUnread,
    number,
  ),
  mailTo: define('<address>', 'your own address, for issues as mail', parseMailbox),
  mailDir: define('<folder>', 'Maildir to deliver each issue to', parseFolder),
  mailServer: define(
    '<url>',
    'mail server for each issue: smtp://user:password@host:587',
    parseMailServer,
    secret,
  ),
  mailDigest: define('<when>', 'mail all issues at once: off, daily or weekly', parseMailDigest),
  plain: define(
    '<on|off>',
    'read line by line in the terminal, for screen readers',
    parseSwitch,
    boolean,
  ),
}

export type SettingName = keyof typeof DEFINITIONS

/** Every setting by name, in the order of the help. */
export const SETTING_NAMES = Object.keys(DEFINITIONS) as readonly SettingName[]

/** Everything that can be set. Its name in the file is its name here. */
export const SETTINGS = Object.fromEntries(
  SETTING_NAMES.map((name): [SettingName, Setting<unknown>] => {
    const { value, ...definition }: Definition<unknown> = DEFINITIONS[name]
    const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const variable = `HYPERLETTER_${words.replaceAll('-', '_').toUpperCase()}`
    return [name, { flag: `--${words} ${value}`, variable, ...definition }]
  }),
) as { readonly [Name in SettingName]: Setting<unknown> }

/** What a person gives, by whatever way; all are text as on a command line. */
export type Settings = { readonly [Name in SettingName]?: string | undefined }

/** What settings mean; those that were not given are absent. */
export type SettingValues = {
  readonly [Name in SettingName]: ReturnType<(typeof DEFINITIONS)[Name]['parse']> | undefined
}

/** Settings for another process: those that are secret as variables, for everybody sees its arguments. */
export function handOn(given: Settings): {
  readonly flags: readonly string[]
  readonly variables: Readonly<Record<string, string>>
} {
  const flags: string[] = []
  const variables: Record<string, string> = {}
  for (const name of SETTING_NAMES) {
    const { flag, variable, isSecret } = SETTINGS[name]
    const text = given[name]
    if (text === undefined) continue
    if (isSecret === true) variables[variable] = text
    // In one piece, so that a value may begin with a dash.
    else flags.push(`${flag.split(' ', 1)[0]}=${text}`)
  }
  return { flags, variables }
}
