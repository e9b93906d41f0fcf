/** Clients that go away, dependencies that fail, inputs that are wrong. */
import { setTimeout as pause } from 'node:timers/promises'
import { isLateByLittle } from '../checks/answers.ts'
import type { FaultProxy } from '../faults/tcp-proxy.ts'
import { changeLeaf } from '../request/change-leaf.ts'
import { wrongInputs } from '../request/wrong-inputs.ts'
import { newTraceparent } from '../wire/traceparent.ts'
import { type Attack, type Sending, type Trial, waitUntil } from '../run/attack.ts'
import { keyed, repeatable, type Stimulus } from './stimulus.ts'

export const clientAbort: Stimulus = {
  id: 'client-abort',
  alone: false,
  last: true,
  applies: (operation) => (keyed(operation) ? true : undefined),
  lasts: (_, latencyMs) => latencyMs * 3.5,
  async run(attack, latencyMs) {
    const abandon = async (share: number | undefined): Promise<void> => {
      const when =
        share === undefined ? 'before the last byte of its request' : `after ${Math.round(share * 100)} % of the time`
      const trial = attack.trial('client-abort', `the client goes ${when}, and asks again`, { share: share ?? -1 })
      const gone = await trial.prepare({ role: 'gone' })
      if (share !== undefined) {
        gone.prepared.release()
        await waitUntil(trial.clock, trial.clock() + latencyMs * share)
      }
      gone.prepared.abort()
      await gone.ended
      // A client that lost its connection asks again a moment later, when the first may have ended.
      await waitUntil(trial.clock, trial.clock() + latencyMs * 2 + 20)
      await trial.insist({ role: 'retry' }, Math.max(2000, latencyMs * 5))
    }
    await Promise.all([undefined, 0.1, 0.5, 0.9].map(abandon))
  },
}

export const transientFailure: Stimulus = {
  id: 'transient-failure',
  alone: true,
  applies(operation, given) {
    if (!keyed(operation)) return undefined
    return given.dependencies.length > 0 || 'give a dependency to break: --dependency name=LISTEN:HOST:PORT'
  },
  async run(attack) {
    for (const dependency of attack.given.dependencies) {
      const trial = attack.trial(
        'transient-failure',
        `${dependency.name} is gone, comes back, and the client asks again`,
      )
      dependency.refuse()
      attack.history.addFault(trial.id, dependency.name, 'refuse')
      await trial.send({ role: 'first' })
      attack.history.addFault(trial.id, dependency.name, 'heal', dependency.heal())
      // The control: with another key it works again, so a failing retry is not the dependency's.
      for (let attempt = 0; attempt < 3; attempt++) {
        const marker = trial.freshMarker()
        const control = await trial.insist({ role: 'control', marker, key: trial.freshKey(marker) }, 2000)
        if (control.type === 'ok') break
      }
      await trial.insist({ role: 'retry' }, 2000)
    }
  },
}

export const refused: Stimulus = {
  id: 'refused',
  alone: false,
  applies: (operation) =>
    operation.probe.failure === undefined ? 'give an input that fails: `failure` in x-probe' : true,
  async run(attack) {
    const trial = attack.trial('refused', 'an input that fails, by x-probe')
    await trial.send({ role: 'failing', input: attack.operation.probe.failure })
    if (repeatable(attack.operation)) await trial.send({ role: 'copy', input: attack.operation.probe.failure })
  },
}

export const wrongInput: Stimulus = {
  id: 'wrong-input',
  alone: false,
  applies: (operation) =>
    operation.bodySchema !== undefined && operation.probe.example !== undefined ? true : undefined,
  async run(attack) {
    for (const wrong of wrongInputs(attack.operation, attack.schemas)) {
      const trial = attack.trial('wrong-input', wrong.about, { rule: wrong.rule })
      await untilAnswered(trial, { role: 'wrong', input: wrong.input })
    }
    if (!/json/.test(attack.operation.contentType)) return
    const trial = attack.trial('wrong-input', 'a body that is no JSON: its last brace is missing', { rule: 'json' })
    await untilAnswered(trial, { role: 'wrong', render: (body) => JSON.stringify(body).slice(0, -1) })
  },
}

/** A connection may break by itself: whoever hangs up three times means it. */
async function untilAnswered(trial: Trial, sending: Sending): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { status, why } = await trial.send(sending)
    if (status !== undefined || why?.startsWith('the connection was ') !== true) return
  }
}

/** A value for `correlation`, and a trace, as another service would send them. */
export const carried: Stimulus = {
  id: 'carried',
  alone: false,
  applies: (operation) =>
    operation.correlation === undefined
      ? undefined
      : 'name' in operation.correlation && operation.correlation.source === 'request.header'
        ? true
        : 'the correlation is not in a header',
  async run(attack) {
    const expression = attack.operation.correlation
    if (expression === undefined || !('name' in expression)) return
    const trial = attack.trial('carried', 'a correlation id of our own', { header: expression.name.toLowerCase() })
    await trial.send({
      role: 'first',
      headers: [
        [expression.name, trial.marker],
        ['traceparent', newTraceparent()],
      ],
    })
    await trial.send({
      role: 'failing',
      headers: [[expression.name, `${trial.marker}-f`]],
      input: changeLeaf(attack.operation),
      marker: trial.freshMarker(),
    })
  },
}

/** The dependency never answers: does this operation? */
export const hung: Stimulus = {
  id: 'hung',
  alone: true,
  applies(operation, given, profile) {
    if (operation.timeoutMs === undefined) return undefined
    if (given.dependencies.length === 0) return 'give a dependency to hold up: --dependency name=LISTEN:HOST:PORT'
    return (
      operation.timeoutMs * 2.5 + 500 < profile.timeoutMs ||
      `its timeout of ${operation.timeoutMs} ms is longer than this profile waits`
    )
  },
  // By then it is known whether an answer came in time.
  lasts: ({ operation: { timeoutMs = 0 }, given }) => (timeoutMs * 1.2 + 200) * given.dependencies.length,
  async run(attack) {
    const { timeoutMs = 0 } = attack.operation
    for (const dependency of attack.given.dependencies) {
      let again: string | undefined
      for (let attempt = 0; attempt < 3; attempt++) {
        const { trial, tookMs } = await hold(attack, dependency, again)
        if (!isLateByLittle(tookMs, timeoutMs) || attack.leftMs < timeoutMs * 1.5) break
        again = trial
      }
    }
  },
}

/** Holds it up for one request; `again`: the trial that this one is to confirm. */
async function hold(
  attack: Attack,
  dependency: FaultProxy,
  again: string | undefined,
): Promise<{ trial: string; tookMs: number }> {
  const about = `${dependency.name} takes requests and never answers`
  const trial = attack.trial('hung', about, again === undefined ? undefined : { again })
  dependency.stall()
  attack.history.addFault(trial.id, dependency.name, 'stall')
  const sent = await trial.prepare({ role: 'first' })
  sent.prepared.release()
  const late = longEnough(attack, trial.clock(), (attack.operation.timeoutMs ?? 0) * 2.5 + 500)
  const how = await Promise.race([sent.ended, late])
  if (how === 'late') sent.prepared.abort()
  attack.history.addFault(trial.id, dependency.name, 'heal', dependency.heal())
  const { sentAt = 0, lastByteAt = Infinity } = await sent.ended
  return { trial: trial.id, tookMs: lastByteAt - sentAt }
}

/** Waits `limitMs` and what this machine is late meanwhile, twice over: so much of it is not the service's. */
async function longEnough({ history, leftMs }: Attack, began: number, limitMs: number): Promise<'late'> {
  const { records, clock } = history
  const until = began + leftMs
  const seen = records.length
  for (;;) {
    const lags = records.slice(seen).map((record) => (record.type === 'lag' ? record.ms : 0))
    const end = began + limitMs + 2 * lags.reduce((sum, ms) => sum + ms, 0)
    if (clock() >= Math.min(end, until)) return 'late'
    await pause(Math.min(50, Math.max(1, Math.min(end, until) - clock())))
  }
}
