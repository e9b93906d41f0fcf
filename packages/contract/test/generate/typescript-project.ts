/** A throw-away TypeScript project that sees the packages of this repository; for tests of generated files. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../../../../', import.meta.url))

/** What a careful user may have switched on beside our own options. */
export const STRICTEST = {
  noUnusedLocals: true,
  noUnusedParameters: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
}

export interface TypeScriptProject extends AsyncDisposable {
  readonly dir: string
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** The compiler's complaints, one line each: `orders.ts(3,7): error TS2353: …`. */
  typeCheck(options?: object): Promise<string[]>
}

export async function typeScriptProject(): Promise<TypeScriptProject> {
  const dir = await mkdtemp(join(tmpdir(), 'spandrel-generate-'))
  await symlink(join(repository, 'node_modules'), join(dir, 'node_modules'), 'dir')
  const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, file)), { recursive: true })
      await writeFile(join(dir, file), text)
    }
  }
  await write({ 'package.json': '{ "type": "module" }' })
  return {
    dir,
    write,
    async typeCheck(options = {}) {
      const compilerOptions = { typeRoots: [join(repository, 'node_modules/@types')], ...options }
      const config = { extends: join(repository, 'tsconfig.json'), compilerOptions, include: ['**/*.ts'], exclude: [] }
      await write({ 'tsconfig.json': JSON.stringify(config) })
      const output = await runTsc(dir)
      // Indented lines explain the one above them. The packages it imports are checked where they are.
      return output.split('\n').filter((line) => line !== '' && !line.startsWith(' ') && !line.startsWith('..'))
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

function runTsc(dir: string): Promise<string> {
  return new Promise((done, failed) => {
    execFile(
      join(repository, 'node_modules/.bin/tsc'),
      ['-p', dir, '--pretty', 'false'],
      { cwd: dir },
      (error, stdout, stderr) => {
        // 1 and 2 mean that it ran and found something.
        if (error !== null && typeof error.code !== 'number') failed(error)
        else if (stderr !== '') failed(new Error(stderr))
        else done(stdout)
      },
    )
  })
}
