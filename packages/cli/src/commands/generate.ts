import { existsSync } from 'node:fs'
import { Option } from 'commander'
import { CommandError } from '../output/command-error.ts'
import { count } from '../output/table.ts'
import { command, type CommonOptions } from '../program.ts'
import { shown } from '../system/find-config.ts'
import { generateContracts } from '../system/generate-contracts.ts'
import { openSystem } from '../system/open-system.ts'

interface GenerateOptions extends CommonOptions {
  check?: boolean
  js?: boolean
}

export const generate = command<GenerateOptions>({
  usage: 'generate',
  summary: 'write the typed contract of each service',
  description:
    'Writes one `<service>.contract.ts` beside the code of each service on the runtime: types, compiled validators, ' +
    'guarantees as data, and a client for each operation it uses. The same contracts give the same files everywhere.',
  options: [
    new Option('--js', 'JavaScript and its declarations (`.js`, `.d.ts`); a service that has them keeps them'),
    new Option('--check', 'write nothing; exit 1 if a file is missing or out of date (for CI)'),
  ],
  examples: [
    ['generate', 'write what changed'],
    ['generate --js', 'for services in JavaScript'],
    ['generate --check', 'in CI: is everything committed?'],
  ],
  async run(options, _args, output) {
    const system = await openSystem(options.config)
    const check = options.check === true
    const { files, stale } = await generateContracts(system, { check, js: options.js === true })
    if (files.length === 0) {
      throw new CommandError('there is nothing to generate: no service on the runtime has contracts', {
        where: shown(system.file),
        fix: 'give a service `contracts: [...]`',
      })
    }
    output.document({
      files,
      stale: stale.map(({ service, file, reason }) => ({ service, file, reason })),
      written: !check,
    })
    const by = new Map(stale.map((one) => [one.file, one]))
    for (const file of files) {
      const found = by.get(file)
      const state =
        found === undefined ? 'up to date' : !check ? 'wrote' : found.reason === 'missing' ? 'missing' : 'out of date'
      const colour = found === undefined ? 'dim' : check ? 'red' : 'green'
      output.line(`${output.paint(colour, state.padEnd(check ? 11 : 10))}  ${shown(file)}`)
    }
    for (const file of files.filter((each) => each.endsWith('.js'))) {
      const typescript = file.replace(/\.js$/, '.ts')
      if (existsSync(typescript)) output.note(`${shown(typescript)} is not written any more: delete it`)
    }
    if (!check || stale.length === 0) return 0
    output.note(
      `${count(stale.length, 'file')} of ${files.length} must be written: run \`spandrel generate\` and commit`,
    )
    return 1
  },
})
