import type { Engine } from '../engine/engine.ts'
import { HyperletterError } from '../errors.ts'
import { translateStorageError } from '../storage-errors.ts'
import { packageVersion } from '../version.ts'
import type {
  CallOptions,
  OperationName,
  Operations,
  Output,
  ParsedInput,
  parseInput as parse,
  Via,
} from './contract/contract.ts'
import { mapOperations } from './map-operations.ts'

/** How the work of an operation is called. */
type CallHere = CallOptions & { readonly via: Via }

/**
 * The operations of one engine. Inputs are validated here too: callers in this process are no more
 * trusted than those on the socket. Whatever fails, fails with a HyperletterError.
 * @param via what `status` says of where the work runs.
 */
export function bindOperations(engine: Engine, via: Via): Operations {
  const loaded = new Map<OperationName, Code>()
  return mapOperations(async (name, input, options) => {
    const fails = (error: unknown) => failure(error, options)
    try {
      const code = loaded.get(name) ?? (await loadCode(name))
      loaded.set(name, code)
      // Over the socket such a request is never sent.
      if (options.signal?.aborted === true) throw new HyperletterError('ABORTED', 'Interrupted.')
      if (engine.readOnlyFor !== undefined && !READING.has(name)) throw engine.readOnlyFor
      const run = () => code.work(engine, code.parseInput(name, input), { ...options, via })
      return { run, failure: fails }
    } catch (error) {
      throw fails(error)
    }
  })
}

/** What can be done where nothing can be written. */
const READING: ReadonlySet<OperationName> = new Set([
  'copyHistory',
  'admitDevice',
  'exportBundle',
  'exportSite',
  'listDevices',
  'listInbox',
  'listIssues',
  'listNewsletters',
  'readAttachment',
  'readIssue',
  'search',
  'status',
  'takeNotices',
])

// Whatever an aborted operation fails with, it fails because it was aborted.
function failure(cause: unknown, { signal }: CallOptions): HyperletterError {
  if (signal?.aborted === true) return new HyperletterError('ABORTED', 'Interrupted.', { cause })
  return HyperletterError.from(translateStorageError(cause))
}

/** What an operation needs. Loaded once; what could not be loaded is tried again. */
interface Code {
  readonly work: (
    engine: Engine,
    input: unknown,
    options: CallHere,
  ) => Promise<unknown> | AsyncIterable<unknown>
  readonly parseInput: typeof parse
}

function loadCode(name: OperationName): Promise<Code> {
  return loadOwn(async () => {
    const [work, { parseInput }] = await Promise.all([
      implementations[name]() as Promise<unknown>,
      import('./contract/contract.ts'),
    ])
    return { work: work as Code['work'], parseInput }
  })
}

type Implementation<N extends OperationName> = (
  engine: Engine,
  input: ParsedInput<N>,
  options: CallHere,
) => Promise<Output<N>> | AsyncIterable<Output<N>>

/**
 * Where the work of each operation is. It is loaded when it is asked for the first time: a daemon at
 * rest needs none of it, and a command needs one.
 */
export const implementations: {
  readonly [N in OperationName]: () => Promise<Implementation<N>>
} = {
  createNewsletter: async () => (await import('./writing/publishing.ts')).createNewsletter,
  editNewsletter: async () => (await import('./writing/editing.ts')).editNewsletter,
  publishIssue: async () => (await import('./writing/publishing.ts')).publishIssue,
  listScheduled: async () => (await import('./writing/scheduling.ts')).listScheduled,
  cancelScheduled: async () => (await import('./writing/scheduling.ts')).cancelScheduled,
  publishScheduled: async () => (await import('./writing/scheduling.ts')).publishScheduled,
  previewDraft: async () => (await import('./writing/previewing.ts')).previewDraft,
  readDraftFile: async () => (await import('./writing/previewing.ts')).readDraftFile,
  amendIssue: async () => (await import('./writing/correcting.ts')).amendIssue,
  retractIssue: async () => (await import('./writing/correcting.ts')).retractIssue,
  importFolder: async () => (await import('./writing/importing.ts')).importFolder,
  republishFeed: async () => (await import('./writing/republishing.ts')).republishFeed,
  listRepublished: async () => (await import('./writing/republishing.ts')).listRepublished,
  stopRepublishing: async () => (await import('./writing/republishing.ts')).stopRepublishing,
  restoreNewsletter: async () => (await import('./preserving/restoring.ts')).restoreNewsletter,
  repairNewsletter: async () => (await import('./preserving/repairing.ts')).repairNewsletter,
  exportBundle: async () => (await import('./preserving/bundling.ts')).exportBundle,
  exportSite: async () => (await import('./preserving/exporting-site.ts')).exportSite,
  importBundle: async () => (await import('./preserving/bundling.ts')).importBundle,
  previewNewsletter: async () => (await import('./following/subscribing.ts')).previewNewsletter,
  subscribe: async () => (await import('./following/subscribing.ts')).subscribe,
  importOpml: async () => (await import('./reading/importing-opml.ts')).importOpml,
  unsubscribe: async () => (await import('./following/subscribing.ts')).unsubscribe,
  seed: async () => (await import('./following/subscribing.ts')).seed,
  unseed: async () => (await import('./following/subscribing.ts')).unseed,
  keepNewsletter: async () => (await import('./following/subscribing.ts')).keepNewsletter,
  setMirrors: async () => (await import('./following/mirrors.ts')).setMirrors,
  followSync: async () => (await import('./following/subscribing.ts')).followSync,
  listNewsletters: async () => (await import('./reading/listing.ts')).listNewsletters,
  listIssues: async () => (await import('./reading/listing.ts')).listIssues,
  listInbox: async () => (await import('./reading/listing.ts')).listInbox,
  search: async () => (await import('./reading/searching.ts')).search,
  readIssue: async () => (await import('./reading/reading.ts')).readIssue,
  readAttachment: async () => (await import('./reading/reading.ts')).readAttachment,
  markIssue: async () => (await import('./reading/marking.ts')).markIssue,
  markIssues: async () => (await import('./reading/marking.ts')).markIssues,
  markAllRead: async () => (await import('./reading/marking.ts')).markAllRead,
  succeedNewsletter: async () => (await import('./succeeding.ts')).succeedNewsletter,
  acceptSuccession: async () => (await import('./succeeding.ts')).acceptSuccession,
  takeNotices: async () => (await import('./succeeding.ts')).takeNotices,
  watchIssues: async () => (await import('./following/watching.ts')).watchIssues,
  addDevice: async () => (await import('./following/devices.ts')).addDevice,
  listDevices: async () => (await import('./following/devices.ts')).listDevices,
  removeDevice: async () => (await import('./following/devices.ts')).removeDevice,
  admitDevice: async () => (await import('./following/devices.ts')).admitDevice,
  status: async () => (await import('./diagnosing/status.ts')).status,
  diagnose: async () => (await import('./diagnosing/diagnose.ts')).diagnose,
  measure: async () => (await import('./diagnosing/status.ts')).measure,
  changeSettings: async () => (await import('./changing-settings.ts')).changeSettings,
  copyHistory: async () => (await import('./diagnosing/status.ts')).copyHistory,
  explainNewsletter: async () => (await import('./diagnosing/explain.ts')).explainNewsletter,
}

const VERSION = packageVersion()

/**
 * Loads code of this package that was not needed so far. A process that runs for months may have been
 * replaced on disk meanwhile, and parts of two versions must not work together.
 * @param versionNow of what is on disk.
 * @throws PROTOCOL_MISMATCH
 */
export async function loadOwn<T>(
  load: () => Promise<T>,
  versionNow: () => string = packageVersion,
): Promise<T> {
  if (isReplaced(versionNow)) {
    throw new HyperletterError(
      'PROTOCOL_MISMATCH',
      `Another version was installed in place of ${VERSION}, which still runs.`,
    )
  }
  return load()
}

// While it is being replaced there is none at all.
function isReplaced(versionNow: () => string): boolean {
  try {
    return versionNow() !== VERSION
  } catch {
    return true
  }
}
