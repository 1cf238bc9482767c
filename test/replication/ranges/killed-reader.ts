/**
 * A process that fetches a log in runs of blocks until it is killed; it prints each run that it asks for.
 * Arguments: a directory, the TCP port of who has the log, its key in hex.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import Corestore from 'corestore'
import Protomux from 'protomux'
import { HypercoreLog } from '../../../src/log/hypercore-log.ts'
import { RangeChannel } from '../../../src/replication/ranges/range-channel.ts'
import { LogScheduling } from '../../../src/replication/scheduler/log-scheduling.ts'

const [directory = '', port = '', key = ''] = argv.slice(2)
const store = new Corestore(join(directory, 'store'))
const core = store.get({ key: Buffer.from(key, 'hex'), allowFork: false })
const log = await HypercoreLog.open(core)
const ranges = new RangeChannel({ onMisdeed: (_, what) => stdout.write(`misdeed ${what}\n`) })
const { source } = ranges.add(log)
LogScheduling.of(log, {
  ...source,
  ask: (peer, run, onAnswer) => {
    stdout.write(`asked ${run.start} ${run.start + run.blocks}\n`)
    return source.ask(peer, run, onAnswer)
  },
})
core.download({ start: 0, end: -1 })
const stream = store.replicate(true)
stream.on('error', () => undefined)
void stream.noiseStream.opened.then(() => ranges.attach(Protomux.from(stream.noiseStream)))
const socket = connect(Number(port), '127.0.0.1')
socket.on('error', () => undefined)
stream.pipe(socket).pipe(stream)
// The reader that is killed has all the time that it is given.
setInterval(() => {
  if (core.length > 0 && core.contiguousLength === core.length) stdout.write('whole\n')
}, 20)
