import type { Engine } from '../engine/engine.ts'
import type { CallOptions, OperationName, Output, ParsedInput, Via } from './contract/contract.ts'

type Implementation<N extends OperationName> = (
  engine: Engine,
  input: ParsedInput<N>,
  options: CallOptions & { readonly via: Via },
) => Promise<Output<N>> | AsyncIterable<Output<N>>

/**
 * Where the work of each operation is. It is loaded when it is asked for the first time: a daemon at
 * rest needs none of it, and a command needs one.
 */
export const implementations: {
  readonly [N in OperationName]: () => Promise<Implementation<N>>
} = {
  createNewsletter: async () => (await import('./writing/publishing.ts')).createNewsletter,
  publishIssue: async () => (await import('./writing/publishing.ts')).publishIssue,
  amendIssue: async () => (await import('./writing/correcting.ts')).amendIssue,
  retractIssue: async () => (await import('./writing/correcting.ts')).retractIssue,
  importFolder: async () => (await import('./writing/importing.ts')).importFolder,
  restoreNewsletter: async () => (await import('./preserving/restoring.ts')).restoreNewsletter,
  repairNewsletter: async () => (await import('./preserving/repairing.ts')).repairNewsletter,
  exportBundle: async () => (await import('./preserving/bundling.ts')).exportBundle,
  importBundle: async () => (await import('./preserving/bundling.ts')).importBundle,
  previewNewsletter: async () => (await import('./following/previewing.ts')).previewNewsletter,
  subscribe: async () => (await import('./following/subscribing.ts')).subscribe,
  importOpml: async () => (await import('./reading/importing-opml.ts')).importOpml,
  unsubscribe: async () => (await import('./following/subscribing.ts')).unsubscribe,
  seed: async () => (await import('./following/seeding.ts')).seed,
  unseed: async () => (await import('./following/seeding.ts')).unseed,
  keepNewsletter: async () => (await import('./following/seeding.ts')).keepNewsletter,
  followSync: async () => (await import('./following/subscribing.ts')).followSync,
  listNewsletters: async () => (await import('./reading/listing.ts')).listNewsletters,
  listIssues: async () => (await import('./reading/listing.ts')).listIssues,
  listInbox: async () => (await import('./reading/listing.ts')).listInbox,
  search: async () => (await import('./reading/searching.ts')).search,
  readIssue: async () => (await import('./reading/reading.ts')).readIssue,
  readAttachment: async () => (await import('./reading/reading.ts')).readAttachment,
  markIssue: async () => (await import('./reading/marking.ts')).markIssue,
  markIssues: async () => (await import('./reading/marking.ts')).markIssues,
  succeedNewsletter: async () => (await import('./succeeding.ts')).succeedNewsletter,
  acceptSuccession: async () => (await import('./succeeding.ts')).acceptSuccession,
  takeNotices: async () => (await import('./succeeding.ts')).takeNotices,
  watchIssues: async () => (await import('./following/watching.ts')).watchIssues,
  status: async () => (await import('./diagnosing/status.ts')).status,
  diagnose: async () => (await import('./diagnosing/diagnose.ts')).diagnose,
  measure: async () => (await import('./diagnosing/measure.ts')).measure,
  explainNewsletter: async () => (await import('./diagnosing/explain.ts')).explainNewsletter,
}
