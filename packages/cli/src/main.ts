#!/usr/bin/env node
// What is compiled is kept for the next time: measured, `--help` takes 0.1 s instead of 0.4 s, `check` 0.3 s instead of
// 0.7 s. It has to be on before anything else is loaded.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { endQuietlyWhereNobodyReads } = await import('./output/closed-output.ts')
endQuietlyWhereNobodyReads()
const { commandLine } = await import('./command-line.ts')
process.exitCode = await commandLine(process.argv.slice(2))
