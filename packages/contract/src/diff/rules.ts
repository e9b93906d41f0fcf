import type { ReportRule } from '../report/report.ts'
import { gatewayRules } from './checks/gateway.ts'
import { offerRules } from './checks/offer.ts'
import { guaranteeRules } from './checks/guarantees/guarantees.ts'
import { integrationRules } from './checks/integration-terms.ts'
import { addressRules } from './checks/messaging/addresses.ts'
import { asyncOperationRules } from './checks/messaging/async-operations.ts'
import { bindingRules } from './checks/messaging/bindings.ts'
import { channelServerRules } from './checks/messaging/channel-servers.ts'
import { messageRules } from './checks/messaging/messages.ts'
import { replyRules } from './checks/messaging/reply.ts'
import { storedMessageRules } from './checks/messaging/stored-messages.ts'
import { serverRules } from './checks/servers.ts'
import { systemRules } from './checks/system.ts'
import { useRules } from './checks/uses.ts'
import { workflowRules } from './checks/workflows.ts'
import { lifecycleRules } from './checks/lifecycle.ts'
import { operationRules } from './checks/operations.ts'
import { parameterRules } from './checks/parameters.ts'
import { removalRules } from './checks/removal.ts'
import { requestBodyRules } from './checks/request-body.ts'
import { responseRules } from './checks/responses.ts'
import { securityRules } from './checks/security.ts'
import type { DiffRule } from './model.ts'
import { severityOf } from './changes.ts'
import { schemaRules } from './schemas/schema-rules.ts'

/** The table: every kind of change that is told. Each has a page in docs/diff and a pair of fixtures. */
export const diffRules: Readonly<Record<string, DiffRule>> = {
  ...operationRules,
  ...parameterRules,
  ...requestBodyRules,
  ...responseRules,
  ...securityRules,
  ...schemaRules,
  ...removalRules,
  ...lifecycleRules,
  ...integrationRules,
  ...serverRules,
  ...asyncOperationRules,
  ...addressRules,
  ...messageRules,
  ...replyRules,
  ...bindingRules,
  ...channelServerRules,
  ...storedMessageRules,
  ...guaranteeRules,
  ...systemRules,
  ...useRules,
  ...gatewayRules,
  ...offerRules,
  ...workflowRules,
}

/** The same as reports want it. */
export function reportRules(): readonly ReportRule[] {
  return Object.entries(diffRules).map(([id, { level, area, law, fix }]) => ({
    id,
    severity: severityOf(level),
    area,
    law,
    fix,
  }))
}
