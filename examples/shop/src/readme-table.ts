/** `npm run readme:table`: runs the naive shop beside the other one and writes the table into the README. */
import { readFile, writeFile } from 'node:fs/promises'
import { parseFlags } from './flags.ts'
import { naiveTable } from './naive-table.ts'
import { runDays } from './run-days.ts'

const README = new URL('../../../README.md', import.meta.url)
const BEGIN = /<!-- shop-table:begin[^>]*-->\n/
const END = '<!-- shop-table:end -->'

const { seed, forMs = 30_000 } = parseFlags(['--naive', ...process.argv.slice(2)])
const result = await runDays({
  forMs,
  seed,
  chaos: true,
  naive: true,
  say: (line) => void process.stderr.write(`${line}\n`),
})
if (result.naive === undefined) throw new Error('there was no naive shop')
const { report } = result
const intro =
  `${report.orders.placed} orders in ${Math.round(report.seconds)} s while services, relays and the gateway were killed ` +
  `(seed ${report.seed}, ${report.kills} kills); the naive shop beside it has the same seed and chaos, and its guarantees off ` +
  `(\`npm start -- --naive\`).`
const text = await readFile(README, 'utf8')
const begin = BEGIN.exec(text)
const end = text.indexOf(END)
if (begin === null || end < begin.index) throw new Error('the README has no shop-table markers')
const table = `${naiveTable(result.verdict, result.naive.verdict)}\n\n${intro}\n`
await writeFile(README, `${text.slice(0, begin.index + begin[0].length)}\n${table}\n${text.slice(end)}`)
process.stdout.write(table)
