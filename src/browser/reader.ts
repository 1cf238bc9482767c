import { type IssueReader, openLight } from './issue-reader.ts'
import { addressesOf, startReading } from './reading.ts'

/*
 * The reader in one file. It loads nothing but log files.
 */

/** Of the newsletter that is shown, so that another issue of it asks for no head again. */
let opened: { readonly name: string; readonly reader: IssueReader } | undefined

startReading({
  readersOf: (place) => [
    async () => {
      const name = [place.feedKey, place.encryptionKey].join('/')
      if (opened?.name !== name) {
        opened = { name, reader: await openLight(addressesOf(place), place) }
      }
      return opened.reader
    },
  ],
})
