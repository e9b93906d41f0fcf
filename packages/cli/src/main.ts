#!/usr/bin/env node
import { check } from './commands/check.ts'
import { dev } from './commands/dev.ts'
import { generate } from './commands/generate.ts'
import { journey } from './commands/journey.ts'
import { migrate } from './commands/migrate.ts'
import { run } from './program.ts'

process.exitCode = await run(process.argv.slice(2), [dev, generate, migrate, check, journey])
