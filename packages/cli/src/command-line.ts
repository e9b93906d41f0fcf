/** All commands, and how they are run. */
import { check } from './commands/check.ts'
import { diff } from './commands/diff.ts'
import { dev } from './commands/dev.ts'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { impact } from './commands/impact.ts'
import { generate } from './commands/generate.ts'
import { init } from './commands/init.ts'
import { journey } from './commands/journey.ts'
import { messagesDiscard, messagesReplay } from './commands/messages-ask.ts'
import { messagesList } from './commands/messages-list.ts'
import { messagesShow } from './commands/messages-show.ts'
import { migrate } from './commands/migrate.ts'
import { scorecard } from './commands/scorecard.ts'
import { serve } from './commands/serve.ts'
import { status } from './commands/status.ts'
import { twice } from './commands/twice.ts'
import { verify } from './commands/verify.ts'
import { type CommandGroup, type ExitCode, run } from './program.ts'

const messages: CommandGroup = {
  name: 'messages',
  summary: 'messages that could not be handled: list, show, replay, discard',
  description:
    'Messages that somebody could not finish: to be tried again, waiting behind an earlier one of their key, or dead letters.',
  commands: [messagesList, messagesShow, messagesReplay, messagesDiscard],
}

export function commandLine(argv: readonly string[]): Promise<ExitCode> {
  return run(argv, [
    init,
    dev,
    generate,
    migrate,
    check,
    diff,
    impact,
    scorecard,
    explain,
    messages,
    journey,
    serve,
    status,
    doctor,
    twice,
    verify,
  ])
}
