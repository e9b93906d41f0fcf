#!/usr/bin/env node
import { dev } from './commands/dev.ts'
import { run } from './program.ts'

process.exitCode = await run(process.argv.slice(2), [dev])
