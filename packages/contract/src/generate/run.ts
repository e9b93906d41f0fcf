/** `node run.ts path/to/spandrel.yaml [--check]`: generates without the command line. Exit codes as everywhere. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { formatFinding } from '../findings/format-finding.ts'
import { loadSystem } from '../load/load-system.ts'
import { checkGenerated, generateSystem } from './generate.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false } },
})
process.exitCode = await run(positionals[0] ?? 'spandrel.yaml', values.check)

async function run(yaml: string, check: boolean): Promise<number> {
  const { system, findings } = await loadSystem(yaml)
  for (const finding of findings) {
    const source = await readFile(finding.file, 'utf8').catch(() => undefined)
    console.error(formatFinding(finding, { source }))
  }
  if (system === undefined) return 2
  const files = generateSystem(system)
  const stale = await checkGenerated(files)
  for (const { file, reason } of stale) {
    const shown = relative(process.cwd(), file)
    console.log(check ? `${shown}: ${reason === 'missing' ? 'not generated yet' : 'out of date'}` : `wrote ${shown}`)
  }
  if (check) return stale.length === 0 ? 0 : 1
  for (const { file, text } of files) {
    if (!stale.some((each) => each.file === file)) continue
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  return 0
}
