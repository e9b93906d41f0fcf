/**
 * Proves the provers: that the shop's audit names each deliberate defect of the runtime, and that `verify` names each
 * defective server and no correct one. One after the other, or the one that is named; the rest goes to it.
 *
 *   npm run prove
 *   npm run prove -- shop --seeds 3
 *   npm run prove -- verify --only hangs,python
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const parts = {
  shop: 'examples/shop/src/prove-audit.ts',
  verify: 'packages/verify/test/prove.ts',
}
const [name, ...options] = process.argv.slice(2)
if (name !== undefined && !(name in parts)) {
  console.error(`There is no ${name} to prove. Fix: npm run prove -- shop, or npm run prove -- verify`)
  process.exit(2)
}
for (const [part, file] of Object.entries(parts)) {
  if (name !== undefined && name !== part) continue
  console.error(`prove: ${part}`)
  const path = fileURLToPath(new URL(file, import.meta.url))
  const { status } = spawnSync(process.execPath, ['--conditions=spandrel-source', path, ...options], {
    stdio: 'inherit',
  })
  // The other part is proved all the same.
  if (status !== 0) process.exitCode = status ?? 1
}
