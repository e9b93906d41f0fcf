/**
 * The shop for playing: a status line that lives, and keys. Without a terminal it prints a plain line now and then.
 */
import { makeTemporaryDirectory } from 'spandrel/embedded'
import { Interruption } from '../interruption.ts'
import { redeliver } from '../chaos/redeliver.ts'
import { settle } from '../chaos/settle.ts'
import { spandrel } from '../road/command-line.ts'
import { SERVICES } from '../road/databases.ts'
import { asText, type Report, reportOf } from '../report.ts'
import { openServer, strikeText } from '../run-days.ts'
import { ShopDay } from '../shop-day.ts'
import { readStatus } from './status.ts'
import { Screen } from './screen.ts'

export interface PlayOptions {
  seed: number
  chaos: boolean
  /** standard output is kept for the document */
  json: boolean
}

/** where the gateway listens, if it is free */
const PORT = 8080

const KEYS = `keys  1–5 kill ${SERVICES.join(', ')} · d deliver the last 50 messages again · p poison one order's key
      j journey of the last order · a audit · Ctrl-C stop and audit`

export async function playDay(options: PlayOptions): Promise<Report> {
  const screen = new Screen(options.json ? process.stderr : process.stdout)
  const interruption = new Interruption((line) => screen.say(line))
  screen.say('starting Postgres, the services, the gateway …')
  const directory = await makeTemporaryDirectory('spandrel-shop-')
  const server = await openServer().catch(async (error: unknown) => {
    await directory.remove()
    throw error
  })
  let day: ShopDay | undefined
  try {
    day = await ShopDay.open({
      postgres: (database) => server.url(database),
      prefix: '',
      seed: options.seed,
      directory: directory.path,
      port: PORT,
      chaos: options.chaos,
      onStrike: (strike) => screen.say(strikeText(strike)),
    })
    return await play(day, screen, options, interruption, server.url('postgres'))
  } catch (error) {
    await day?.abandon()
    throw error
  } finally {
    screen.close()
    await server.close()
    await directory.remove()
  }
}

async function play(
  day: ShopDay,
  screen: Screen,
  options: PlayOptions,
  interruption: Interruption,
  postgres: string,
): Promise<Report> {
  const { road } = day
  const taken = new URL(road.url).port === String(PORT) ? '' : `   (${PORT} is taken by another program)`
  screen.say(`gateway      ${road.url}${taken}`)
  screen.say(`card network ${road.cardnetUrl}`)
  screen.say(`Postgres     ${postgres}   (databases ${road.databases.names.join(', ')})`)
  screen.say(KEYS)
  const started = Date.now()
  const judge = async (): Promise<Report> => {
    const seconds = Math.round((Date.now() - started) / 100) / 10
    return reportOf(await day.audit(), { seed: options.seed, seconds, strikes: day.chaos.strikes })
  }
  day.start()
  const status = setInterval(
    () => {
      readStatus(day).then(
        (line) => screen.status(line),
        () => {}, // a database may be busy with a stall; the next line tells
      )
    },
    screen.live ? 500 : 5000,
  )
  // One key after the other: an audit stops the shopper, and Ctrl-C waits for it.
  let last: Promise<void> = Promise.resolve()
  await screen.keys(interruption, (key) => {
    last = last.then(() => press(key, day, screen, judge)).catch((error: unknown) => screen.say(String(error)))
  })
  clearInterval(status)
  await last
  screen.say('closing: waiting for what is under way')
  await day.end()
  if (day.unclean.length > 0) screen.say(`did not stop by themselves: ${day.unclean.join(', ')}`)
  return judge()
}

async function press(key: string, day: ShopDay, screen: Screen, judge: () => Promise<Report>): Promise<void> {
  const victim = SERVICES[Number(key) - 1]
  if (victim !== undefined) await day.chaos.strike(victim, { restartAfterMs: 200 })
  if (key === 'd') screen.say(`${await redeliver(day.road, 50)} messages were delivered again`)
  if (key === 'p') {
    const orderId = await day.shopper.placePoison()
    screen.say(
      `order ${orderId ?? '(not accepted)'} has a tracking code nobody can read: its messages will be held, no others`,
    )
  }
  if (key === 'j') {
    const { lastOrder } = day.shopper.status()
    screen.say(
      lastOrder === undefined ? 'no order yet' : await spandrel(['journey', lastOrder.orderId], day.road.variables),
    )
  }
  if (key === 'a') {
    screen.say('the shop holds its breath: the audit wants nothing under way')
    await day.shopper.stop()
    const settled = await settle(day.road, 15_000)
    screen.say(`${asText(await judge())}${settled ? '' : '\n(something is under way still)'}`)
    day.shopper.start()
  }
}
