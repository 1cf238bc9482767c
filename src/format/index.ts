/**
 * The format of a newsletter, without Node and without a network: keys and links, records and what a log of them
 * says, contents, bundles and their verification. Runs in browsers. docs/format.md specifies all of it.
 */
export { HyperletterError, type ErrorCode } from '../errors.ts'
export { collect, piecesOf } from './bytes.ts'
export type { Crypto } from './crypto.ts'

export {
  encryptionKeyOf,
  feedKeyOf,
  keyBytes,
  parseEncryptionKey,
  parseFeedKey,
  type EncryptionKey,
  type FeedKey,
} from './keys/feed-key.ts'
export { formatLink, parseLink, type Link } from './keys/link.ts'

export {
  claimsToBeRecord,
  decodeRecord,
  encodeRecord,
  type AmendmentRecord,
  type HyperletterRecord,
  type IssueRecord,
  type NewsletterRecord,
  type RetractionRecord,
  type UnknownRecord,
  type WritableRecord,
} from './records/record.ts'
export type { Attachment, Content } from './records/bodies.ts'
export {
  formatSuccession,
  isSigned,
  parseSuccession,
  type Succession,
} from './records/succession.ts'

export { decodeContent, encodeContent, type EncodedContent } from './content/content-codec.ts'

export type { BundleHeader } from './bundle/format.ts'
export { openBundle, type Frame, type OpenBundle } from './bundle/read.ts'
export {
  loadBundle,
  resultOf,
  verifyBundle,
  type LoadedBundle,
  type VerifiedBundle,
} from './bundle/verify.ts'

export type { BlockSource, Log, ReadOptions, StoredLog } from './log.ts'
export { takeBundle } from './bundle/take.ts'
export { writeBundle } from './bundle/write.ts'
export { LogFiles, type LogFilesOptions } from './log-files/log-files.ts'
export { asBundle, treeOfFiles } from './log-files/verified-files.ts'
export type { LogHead } from './log-files/head.ts'
export {
  webSource,
  type Fetcher,
  type FileRequest,
  type LogFileSource,
} from './log-files/source.ts'
export { VerifiedFiles } from './log-files/verified-files.ts'
export { logFilesOf, type LogFile, type WriteLogOptions } from './log-files/write.ts'
export {
  editionsOf,
  newestEdition,
  type Edition,
  type LocatedIssue,
} from './history/corrections.ts'
export { History } from './history/history.ts'
export type { Listing } from './history/listing.ts'
export { Contents } from './content/content-codec.ts'
