import { parseCommand } from './command-line.ts'
import * as values from './values.ts'

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

/** Makes settings of one kind, each from its summary. @param value what follows the flag. */
function kind<T>(
  value: string,
  parse: (text: string) => T,
  more: Pick<Definition<T>, 'inFile' | 'isSecret' | 'variable'> = {},
) {
  return (summary: string): Definition<T> => ({ value, summary, parse, ...more })
}

const list = { inFile: 'list' } as const
const number = { inFile: 'number' } as const
const secret = { isSecret: true } as const

const kinds = {
  dataFolder: kind('<folder>', values.parseText, { variable: 'HYPERLETTER_HOME' }),
  nodes: kind('<addresses>', values.parseBootstrap, list),
  ip: kind('<ip>', values.parseHost),
  ips: kind('<ips>', values.parseIpAddresses, list),
  level: kind('<level>', values.parseLogLevel),
  port: kind('<n>', values.parsePort, number),
  count: kind('<n>', values.parseCount, number),
  diskCap: kind('<size>', values.parseDiskCap, number),
  rate: kind('<rate>', values.parseRate, number),
  onOff: kind('<on|off>', values.parseSwitch, { inFile: 'boolean' }),
  deviceKeys: kind('<keys>', values.parsePeerKeys, list),
  mirrors: kind('<on|own|off>', values.parseMirrors),
  hostNames: kind('<names>', values.parseHostNames, list),
  newsletters: kind('<own|all|names>', values.parseNames, list),
  place: kind('<ip>[:<port>]', values.parseListenAddress),
  gatewayUrl: kind('<url>', values.parseGatewayAddress),
  time: kind('<time>', values.parseDuration),
  command: kind('<command>', parseCommand),
  webhook: kind('<address>', values.parseWebAddress, secret),
  secretText: kind('<text>', values.parseText, secret),
  unread: kind('<n|all>', values.parseUnread, number),
  mailbox: kind('<address>', values.parseMailbox),
  folder: kind('<folder>', values.parseFolder),
  mailServer: kind('<url>', values.parseMailServer, secret),
  digest: kind('<when>', values.parseMailDigest),
}

const DEFINITIONS = {
  dataDir: kinds.dataFolder('data folder'),
  bootstrap: kinds.nodes('DHT bootstrap nodes as host:port,…'),
  host: kinds.ip('IP address to bind to'),
  logLevel: kinds.level('silent, error, warn, info or debug'),
  udpPort: kinds.port('UDP port for peers, to open at a router; another one if it is in use'),
  diskCap: kinds.diskCap('disk space for other people’s newsletters, or none for no cap'),
  uploadLimit: kinds.rate('maximum upload rate, for example 500 kB/s'),
  downloadLimit: kinds.rate('maximum download rate'),
  maxConnections: kinds.count('maximum number of peer connections'),
  pause: kinds.onOff('exchange nothing: no connections to peers, nothing from web servers'),
  allowPeers: kinds.deviceKeys('devices that may exchange private newsletters'),
  localDiscovery: kinds.onOff('find peers in the local network'),
  relayOffer: kinds.onOff('relay between readers of your newsletters who cannot reach each other'),
  relayUse: kinds.deviceKeys('devices whose relays serve for all newsletters'),
  hideAddress: kinds.onOff(
    'hide the IP address from peers: connect only through the devices of --relay-use',
  ),
  mirrors: kinds.mirrors(
    'web servers to ask for what no peer has: all, only those added here, or none',
  ),
  readerHosts: kinds.hostNames(
    'more host names of the web reader, such as that of a tunnel or container',
  ),
  webAddress: kinds.place('where other devices find the web reader'),
  gateway: kinds.place(
    'open a gateway there: browsers and programs anywhere read newsletters through it',
  ),
  gatewayAddress: kinds.gatewayUrl(
    'web address of the gateway, which a server with TLS passes on to it',
  ),
  gatewayNewsletters: kinds.newsletters(
    'newsletters on the gateway: own, all public ones, or names; a private one only by its name',
  ),
  gatewayTabs: kinds.count('maximum number of browser tabs on the gateway'),
  gatewayProxies: kinds.ips('servers before the gateway whose X-Forwarded-For counts'),
  gatewayStun: kinds.place(
    'UDP address where the gateway tells tabs how others reach them, so that they connect directly',
  ),
  metricsPort: kinds.port('port for /metrics and /healthz, on this machine only'),
  hold: kinds.time('time in which a publication can be taken back: 60s, 5min'),
  onIssue: kinds.command('program to run for each new issue'),
  webhook: kinds.webhook('web address to post each new issue to'),
  webhookSecret: kinds.secretText('secret that signs webhook requests'),
  notify: kinds.onOff('show a desktop notification for each new issue'),
  unread: kinds.unread('how many of its newest issues are unread when you follow a newsletter'),
  mailTo: kinds.mailbox('your own address, for issues as mail'),
  mailDir: kinds.folder('Maildir to deliver each issue to'),
  mailServer: kinds.mailServer('mail server for each issue: smtp://user:password@host:587'),
  mailDigest: kinds.digest('mail all issues at once: off, daily or weekly'),
  plain: kinds.onOff('read line by line in the terminal, for screen readers'),
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
