import Hypercore from 'hypercore'
import CorestoreStorage from 'hypercore-storage'
import { defined } from '../defined.ts'
import { keyBytes, type EncryptionKey, type FeedKey } from '../format/keys/feed-key.ts'
import { HypercoreLog, LOG_OPTIONS } from './hypercore-log.ts'

/**
 * The log of one newsletter in a database of its own, without a Corestore around it.
 * @param database with the methods of rocksdb-native; it closes with the log.
 */
export function openSingleLog(
  database: object,
  feedKey: FeedKey,
  encryptionKey?: EncryptionKey,
): Promise<HypercoreLog> {
  const encryption = encryptionKey && { key: keyBytes(encryptionKey) }
  const options = { ...LOG_OPTIONS, ...defined({ encryption }) }
  const storage = new CorestoreStorage(database)
  return HypercoreLog.open(new Hypercore(storage, keyBytes(feedKey), options))
}
