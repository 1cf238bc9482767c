/** Version of the contract as it crosses the socket. Raised when an operation changes incompatibly. */
export const PROTOCOL_VERSION = 1

/**
 * How the result of each operation comes: one value, a stream of events, or a stream of bytes. All
 * that a client of the socket has to know of the contract at run time: the schemas take longer to
 * load than a command that asks a daemon takes in all.
 */
export const OPERATION_KINDS = {
  createNewsletter: 'value',
  editNewsletter: 'value',
  publishIssue: 'events',
  listScheduled: 'value',
  cancelScheduled: 'value',
  publishScheduled: 'value',
  previewDraft: 'events',
  readDraftFile: 'bytes',
  amendIssue: 'value',
  retractIssue: 'value',
  importFolder: 'events',
  republishFeed: 'events',
  listRepublished: 'value',
  stopRepublishing: 'value',
  restoreNewsletter: 'events',
  repairNewsletter: 'value',
  exportBundle: 'bytes',
  exportSite: 'events',
  importBundle: 'events',
  previewNewsletter: 'value',
  subscribe: 'events',
  writeLetter: 'value',
  listLetters: 'value',
  decideLetters: 'value',
  admitSenders: 'value',
  followTalk: 'events',
  sayLine: 'value',
  hideSpeaker: 'value',
  nameNewsletter: 'value',
  verifyNames: 'value',
  unsubscribe: 'value',
  seed: 'value',
  unseed: 'value',
  keepNewsletter: 'value',
  setMirrors: 'value',
  followSync: 'events',
  listNewsletters: 'value',
  listIssues: 'value',
  listInbox: 'value',
  importOpml: 'value',
  search: 'value',
  readIssue: 'value',
  readAttachment: 'bytes',
  markIssue: 'value',
  markIssues: 'value',
  markAllRead: 'value',
  succeedNewsletter: 'value',
  acceptSuccession: 'value',
  takeNotices: 'value',
  watchIssues: 'events',
  addDevice: 'value',
  listDevices: 'value',
  removeDevice: 'value',
  admitDevice: 'value',
  status: 'value',
  diagnose: 'value',
  measure: 'value',
  changeSettings: 'value',
  copyHistory: 'value',
  explainNewsletter: 'value',
} as const

export type OperationKinds = typeof OPERATION_KINDS
export type OperationName = keyof OperationKinds

/** Longest OPML list, in characters and in bytes: some ten thousand feeds. */
export const MAX_OPML_LENGTH = 1_024 * 1_024

/** Newsletters that one list may add: each is a log to open, to look for and to fetch. */
export const MAX_OPML_NEWSLETTERS = 500
