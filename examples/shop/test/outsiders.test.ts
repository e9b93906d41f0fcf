/** The judge stands outside: what the ledger, the card network and the audit may not use, and what SQL may not hide. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const shop = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, shop), 'utf8')

/** Every module a file imports, static and dynamic, `require` included. */
function imports(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])([^'"]+)\1/g)
  return [...found].map(([, , module = '']) => module)
}

describe('imports', () => {
  it('sees every way of importing', () => {
    const text = `import a from 'a'\nimport 'b'\nconst c = await import("c")\nconst d = require('d')\nexport { e } from 'e'`
    expect(imports(text)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('the ledger is plain Node and pg', () => {
    expect(imports(read('ledger/ledger.mjs'))).toEqual(['node:crypto', 'node:http', 'pg'])
  })

  it('the card network is plain Node', () => {
    const modules = imports(read('cardnet/src/main.ts'))
    expect(modules.length).toBeGreaterThan(2)
    expect(modules.filter((module) => !module.startsWith('node:'))).toEqual([])
  })

  it('the audit uses pg, files and its own', () => {
    for (const file of ['audit.ts', 'copy-tables.ts']) {
      const modules = imports(read(`src/audit/${file}`))
      expect(modules.length).toBeGreaterThan(1)
      expect(modules.filter((module) => !/^(node:|pg$|\.\/)/.test(module))).toEqual([])
    }
  })

  it('the shopper uses nothing but fetch', () => {
    const files = readdirSync(new URL('src/shopper/', shop)).filter((file) => !file.endsWith('.test.ts'))
    expect(files).toContain('shopper.ts')
    const modules = files.flatMap((file) => imports(read(`src/shopper/${file}`)))
    expect(modules.filter((module) => !/^(node:|\.\/)/.test(module))).toEqual([])
  })
})

describe('nothing hides a duplicate', () => {
  const SERVICES = ['orders', 'payments', 'inventory', 'shipping', 'ledger'] as const
  /** What may be unique: catalogues, and the ledger's table of seen messages. */
  const UNIQUE = { orders: [], payments: ['prices'], inventory: ['products'], shipping: [], ledger: ['seen'] }

  it.each(SERVICES)('%s: effect tables have no unique constraint', (service) => {
    const sql = read(`${service}/schema.sql`).replaceAll(/--.*$/gm, '')
    const tables = sql.split(';').filter((statement) => /create table/i.test(statement))
    expect(tables.length).toBeGreaterThan(0)
    const unique = tables
      .filter((table) => /primary key|unique|exclude/i.test(table))
      .map((table) => /create table (\w+)/i.exec(table)?.[1])
    expect(unique).toEqual(UNIQUE[service])
    expect(sql).not.toMatch(/create unique index|alter table|create trigger|create rule/i)
  })

  it.each(SERVICES)('%s: no upsert and no “where not exists” on effect rows', (service) => {
    const folder = service === 'ledger' ? 'ledger/' : `${service}/src/`
    const files = readdirSync(new URL(folder, shop)).filter(
      (file) => /\.(ts|mjs)$/.test(file) && !file.endsWith('.contract.ts'),
    )
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      // The one upsert there is: the ledger's note of what it has seen.
      const text = read(`${folder}${file}`).replace(
        'insert into seen (source, id) values ($1, $2) on conflict do nothing',
        '',
      )
      expect(text).not.toMatch(
        /on conflict|onConflict|not exists|notExists|merge into|mergeInto|(?<!for )\bupdate\b|updateTable|deleteFrom|delete from/i,
      )
    }
  })
})
