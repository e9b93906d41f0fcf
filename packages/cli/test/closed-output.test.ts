/** Output that nobody reads to its end: `spandrel … | head -1`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Ran, type RunOptions, startSpandrel } from './spandrel.ts'

/** The reader is gone before the first line comes. */
function unread(args: readonly string[], closed: 'stdout' | 'stderr', options: RunOptions): Promise<Ran> {
  const { child, done } = startSpandrel(args, options)
  child[closed]?.destroy()
  return done
}

test('the command ends quietly, with the exit code it would have had', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'spandrel-unread-'))
  try {
    await writeFile(
      join(cwd, 'spandrel.yaml'),
      'version: 1\nsystem: broken\nservices:\n  one: { contracts: [gone.yaml] }\n',
    )
    const ended = await Promise.all([
      unread(['explain'], 'stdout', { cwd }),
      unread(['explain', '--json'], 'stdout', { cwd }),
      unread(['--help'], 'stdout', { cwd }),
      unread(['check'], 'stdout', { cwd }),
    ])
    expect(ended.map(({ code, stderr }) => ({ code, trace: /EPIPE|node:| at /.test(stderr) }))).toEqual(
      [0, 0, 0, 1].map((code) => ({ code, trace: false })),
    )
    expect((await unread(['explain', 'no-such-id'], 'stderr', { cwd })).code).toBe(2)
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
})
