import type { Engine } from '../engine/engine.ts'
import { attempt, codeOf, HyperletterError } from '../errors.ts'
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

type Implementations = { readonly [N in OperationName]: () => Promise<Implementation<N>> }

/**
 * Where the work of each operation is. It is loaded when it is asked for the first time: a daemon at
 * rest needs none of it, and a command needs one.
 */
export const implementations: Implementations = {
  ...from(() => import('./writing/publishing.ts'), 'createNewsletter', 'publishIssue'),
  ...from(() => import('./writing/editing.ts'), 'editNewsletter'),
  ...from(
    () => import('./writing/scheduling.ts'),
    'listScheduled',
    'cancelScheduled',
    'publishScheduled',
  ),
  ...from(() => import('./writing/previewing.ts'), 'previewDraft', 'readDraftFile'),
  ...from(() => import('./writing/correcting.ts'), 'amendIssue', 'retractIssue'),
  ...from(() => import('./writing/importing.ts'), 'importFolder'),
  ...from(
    () => import('./writing/republishing.ts'),
    'republishFeed',
    'listRepublished',
    'stopRepublishing',
  ),
  ...from(() => import('./preserving/restoring.ts'), 'restoreNewsletter'),
  ...from(() => import('./preserving/repairing.ts'), 'repairNewsletter'),
  ...from(() => import('./preserving/bundling.ts'), 'exportBundle', 'importBundle'),
  ...from(() => import('./preserving/exporting-site.ts'), 'exportSite'),
  ...from(
    () => import('./following/subscribing.ts'),
    'previewNewsletter',
    'subscribe',
    'unsubscribe',
    'followSync',
  ),
  ...from(() => import('./following/seeding.ts'), 'seed', 'unseed', 'keepNewsletter'),
  ...from(() => import('./letters/writing.ts'), 'writeLetter'),
  ...from(() => import('./letters/listing.ts'), 'listLetters'),
  ...from(() => import('./letters/deciding.ts'), 'decideLetters', 'admitSenders'),
  ...from(() => import('./letters/talking.ts'), 'followTalk', 'sayLine', 'hideSpeaker'),
  ...from(() => import('./following/naming.ts'), 'nameNewsletter', 'verifyNames'),
  ...from(() => import('./reading/importing-opml.ts'), 'importOpml'),
  ...from(() => import('./following/mirrors.ts'), 'setMirrors'),
  ...from(() => import('./reading/listing.ts'), 'listNewsletters', 'listIssues', 'listInbox'),
  ...from(() => import('./reading/searching.ts'), 'search'),
  ...from(() => import('./reading/reading.ts'), 'readIssue', 'readAttachment'),
  ...from(() => import('./reading/marking.ts'), 'markIssue', 'markIssues', 'markAllRead'),
  ...from(() => import('./succeeding.ts'), 'succeedNewsletter', 'acceptSuccession', 'takeNotices'),
  ...from(() => import('./following/watching.ts'), 'watchIssues'),
  ...from(
    () => import('./following/devices.ts'),
    'addDevice',
    'listDevices',
    'removeDevice',
    'admitDevice',
  ),
  ...from(() => import('./diagnosing/status.ts'), 'status', 'measure', 'copyHistory'),
  ...from(() => import('./changing-settings.ts'), 'changeSettings'),
  ...from(() => import('./diagnosing/diagnose.ts'), 'diagnose'),
  ...from(() => import('./diagnosing/explain.ts'), 'explainNewsletter'),
}

/** Some operations of one file. */
function from<M, N extends keyof M & OperationName>(
  load: () => Promise<M>,
  ...names: readonly N[]
): { readonly [K in N]: () => Promise<M[K]> } {
  const entries = names.map((name) => [name, async () => (await load())[name]])
  return Object.fromEntries(entries) as { readonly [K in N]: () => Promise<M[K]> }
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
  // While it is being replaced there is none at all.
  if (attempt(versionNow) !== VERSION) throw replaced()
  return load().catch((error: unknown) => {
    // A file of another build of the same version has another name.
    throw codeOf(error) === 'ERR_MODULE_NOT_FOUND' ? replaced() : error
  })
}

function replaced(): HyperletterError {
  const message = `Another version was installed in place of ${VERSION}, which still runs.`
  return new HyperletterError('PROTOCOL_MISMATCH', message)
}
