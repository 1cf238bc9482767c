import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OutageWatch } from '../../src/peers/outage-watch.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A network that answers once in three seconds, as an idle node hears it, or not. */
function open() {
  const net = { isUp: true, answers: 0, addresses: '10.0.0.1' }
  const back: string[] = []
  let pings = 0
  const tick = setInterval(() => {
    if (net.isUp) net.answers++
  }, 3_000)
  const watch = new OutageWatch({
    dht: {
      get answers() {
        return net.answers
      },
      pingSome() {
        pings++
        if (net.isUp) net.answers++
      },
    },
    onBack: (why) => back.push(why),
    addresses: () => net.addresses,
  })
  const end = () => {
    clearInterval(tick)
    watch.close()
  }
  return { net, back, pings: () => pings, end }
}

test('nothing is asked and nothing said while answers come', async () => {
  const { back, pings, end } = open()
  await vi.advanceTimersByTimeAsync(600_000)
  expect({ back, pings: pings() }).toEqual({ back: [], pings: 0 })
  end()
})

test('the end of an outage is noticed within seconds, once', async () => {
  const { net, back, pings, end } = open()
  net.isUp = false
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(back).toEqual([])
  expect(pings()).toBeGreaterThan(100)
  net.isUp = true
  await vi.advanceTimersByTimeAsync(5_000)
  expect(back).toEqual(['outage'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(back).toEqual(['outage'])
  end()
})

test('some seconds without an answer are no outage', async () => {
  const { net, back, end } = open()
  net.isUp = false
  await vi.advanceTimersByTimeAsync(8_000)
  net.isUp = true
  await vi.advanceTimersByTimeAsync(30_000)
  expect(back).toEqual([])
  end()
})

test('other addresses count once there is an answer', async () => {
  const { net, back, end } = open()
  await vi.advanceTimersByTimeAsync(10_000)
  net.isUp = false
  net.addresses = '10.0.0.2'
  await vi.advanceTimersByTimeAsync(6_000)
  expect(back).toEqual([])
  net.isUp = true
  await vi.advanceTimersByTimeAsync(5_000)
  expect(back).toEqual(['addresses'])
  end()
})

test('a clock that jumped means that the machine slept', async () => {
  const { back, end } = open()
  await vi.advanceTimersByTimeAsync(10_000)
  vi.setSystemTime(Date.now() + 3_600_000)
  await vi.advanceTimersByTimeAsync(6_000)
  expect(back).toEqual(['sleep'])
  end()
})
