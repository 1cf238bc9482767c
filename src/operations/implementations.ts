import type { Engine } from '../engine/engine.ts'
import type { CallOptions, OperationName, Output, ParsedInput } from './contract.ts'

/** Where the work runs. */
export type Via = Output<'status'>['via']

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
  createNewsletter: async () => (await import('./publishing.ts')).createNewsletter,
  publishIssue: async () => (await import('./publishing.ts')).publishIssue,
  amendIssue: async () => (await import('./correcting.ts')).amendIssue,
  retractIssue: async () => (await import('./correcting.ts')).retractIssue,
  importFolder: async () => (await import('./importing.ts')).importFolder,
  restoreNewsletter: async () => (await import('./restoring.ts')).restoreNewsletter,
  repairNewsletter: async () => (await import('./repairing.ts')).repairNewsletter,
  exportBundle: async () => (await import('./bundling.ts')).exportBundle,
  importBundle: async () => (await import('./bundling.ts')).importBundle,
  previewNewsletter: async () => (await import('./previewing.ts')).previewNewsletter,
  subscribe: async () => (await import('./subscribing.ts')).subscribe,
  importOpml: async () => (await import('./importing-opml.ts')).importOpml,
  unsubscribe: async () => (await import('./subscribing.ts')).unsubscribe,
  seed: async () => (await import('./seeding.ts')).seed,
  unseed: async () => (await import('./seeding.ts')).unseed,
  keepNewsletter: async () => (await import('./keeping.ts')).keepNewsletter,
  followSync: async () => (await import('./subscribing.ts')).followSync,
  listNewsletters: async () => (await import('./listing.ts')).listNewsletters,
  listIssues: async () => (await import('./listing.ts')).listIssues,
  listInbox: async () => (await import('./listing.ts')).listInbox,
  search: async () => (await import('./searching.ts')).search,
  readIssue: async () => (await import('./reading.ts')).readIssue,
  readAttachment: async () => (await import('./reading.ts')).readAttachment,
  markIssue: async () => (await import('./marking.ts')).markIssue,
  markIssues: async () => (await import('./marking.ts')).markIssues,
  succeedNewsletter: async () => (await import('./succeeding.ts')).succeedNewsletter,
  acceptSuccession: async () => (await import('./succeeding.ts')).acceptSuccession,
  takeNotices: async () => (await import('./succeeding.ts')).takeNotices,
  watchIssues: async () => (await import('./watching.ts')).watchIssues,
  status: async () => (await import('./status.ts')).status,
  diagnose: async () => (await import('./diagnosing/diagnose.ts')).diagnose,
  measure: async () => (await import('./diagnosing/measure.ts')).measure,
  explainNewsletter: async () => (await import('./diagnosing/explain.ts')).explainNewsletter,
}
