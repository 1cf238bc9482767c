import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LogEvents, ORDER } from '../../src/format/log.ts'

test('an event goes through the stages in their order, whoever registered first', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ORDER), { maxLength: 30 }), (stages) => {
      const events = new LogEvents()
      const seen: string[] = []
      for (const stage of stages) events.on(stage, 'append', () => seen.push(stage))
      events.emit('append')
      expect(seen).toEqual(ORDER.flatMap((it) => stages.filter((stage) => stage === it)))
    }),
  )
})

test('who has ended, or registered for another event, is not called', () => {
  const events = new LogEvents()
  const seen: string[] = []
  const stop = events.on('push', 'append', () => seen.push('ended'))
  events.on('push', 'truncate', () => seen.push('other'))
  events.on('push', 'append', () => seen.push('called'))
  stop()
  events.emit('append')
  events.emit('close')
  expect(seen).toEqual(['called'])
})

test('what ends while an event is told is told of it still, and what begins is not', () => {
  const events = new LogEvents()
  const seen: string[] = []
  events.on('retention', 'append', () => {
    stop()
    events.on('watchers', 'append', () => seen.push('new'))
  })
  const stop = events.on('watchers', 'append', () => seen.push('old'))
  events.emit('append')
  expect(seen).toEqual(['old'])
})
