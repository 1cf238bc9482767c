import c from 'compact-encoding'
import type Protomux from 'protomux'
import { roomEncoding, ROOMS, type RoomMessage } from '../../src/peers/web/room-message.ts'

/** The side of a tab in `hyperletter/rooms/1`, by hand. To be opened before the gateway opens its own. */
export function openRoom(
  mux: Protomux,
  onMessage: (message: RoomMessage) => void = () => undefined,
) {
  const told: RoomMessage[] = []
  const channel = mux.createChannel({
    protocol: ROOMS,
    messages: [
      {
        encoding: c.raw,
        onmessage(bytes: Uint8Array) {
          const message = c.decode(roomEncoding, bytes)
          told.push(message)
          onMessage(message)
        },
      },
    ],
  })
  channel?.open()
  const sendBytes = (it: Uint8Array) => channel?.messages[0]?.send(it)
  return {
    /** What the gateway said, in order. */
    told,
    /** All of one kind of that. */
    of: <K extends RoomMessage['kind']>(kind: K) =>
      told.filter((it): it is Extract<RoomMessage, { kind: K }> => it.kind === kind),
    opened: channel?.fullyOpened() ?? Promise.resolve(false),
    sendBytes,
    send: (it: RoomMessage) => sendBytes(c.encode(roomEncoding, it)),
  }
}
