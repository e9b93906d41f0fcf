export type { SourceLocation } from './model/location.ts'
export type { Acknowledgement, Finding, Severity } from './model/finding.ts'
export type { Expression } from './model/expression.ts'
export type { JsonSchema, NamedSchema, Schema } from './model/schema.ts'
export type {
  CompletionGuarantee,
  DeadLetterGuarantee,
  GuaranteeMember,
  Guarantees,
  KeyGuarantee,
  PushGuarantee,
  ResolvedGuarantees,
  RetryGuarantee,
} from './model/guarantees.ts'
export type { Integration, IntegrationStyle, IntegrationTerms, Probe } from './model/integration.ts'
export type {
  Callback,
  HttpOperation,
  MediaType,
  Parameter,
  RequestBody,
  Response,
  ResponseHeader,
  SecurityAlternative,
  SecurityScheme,
} from './model/operation.ts'
export type { Channel, Message, ReceiveOperation, SendOperation, SystemChannel } from './model/message.ts'
export { gatewayKeepsKeys } from './system/gateway-keys.ts'
export type {
  AnswerMode,
  ContractDocument,
  Defaults,
  Gateway,
  Offer,
  Service,
  Setting,
  System,
  Use,
  Workflow,
} from './model/system.ts'
export {
  checkDocuments,
  checkSystem,
  loadSystem,
  type CheckOptions,
  type LoadOptions,
  type LoadResult,
} from './load/load-system.ts'
export { scoreDocuments, scoreSystem, type ScoreResult } from './load/load-system.ts'
export type {
  Answer,
  Basis,
  Coupling,
  Evidence,
  Place,
  Scorecard,
  ScoredIntegration,
  SystemAnswer,
} from './scorecard/model.ts'
export { sheetMark, type Sheet } from './scorecard/sheets/sheet.ts'
export { scorecardPage } from './scorecard/html.ts'
export type { CheckedOut, GivenReport } from './scorecard/evidence.ts'
export { structureFaults } from './rules/structure-faults.ts'
export { rules } from './rules/table.ts'
export type { Rule, RuleArea, RuleFormat } from './rules/rule.ts'
export { messageOwners, type MessageOwners } from './rules/message-owners.ts'
export { formatFinding, type FormatOptions } from './findings/format-finding.ts'
export { formatReport, reportFormats, type Report, type ReportFormat, type ReportRule } from './report/report.ts'
export { tally, type Tally } from './report/tally.ts'
export {
  checkGenerated,
  generateService,
  generateServiceJavaScript,
  generatedPath,
  generateSystem,
  type GeneratedFile,
  type GenerateOptions,
  type StaleFile,
} from './generate/generate.ts'
export { mediaTypeMatcher } from './schema/media-type.ts'
export { type SchemaCheck, SchemaCompiler, type SchemaFault } from './schema/schema-compiler.ts'
export { directed } from './schema/direction.ts'
export { accepts, createAccepts } from './accepts/accepts.ts'
export type {
  AcceptsOptions,
  AcceptsPolicy,
  AcceptsResult,
  Difference,
  Rejection,
  SchemaNames,
  SchemaPlace,
  Undecided,
} from './accepts/types.ts'
export { disk, type Files } from './source/files.ts'
export { readIfThere } from './source/read-if-there.ts'
export { loadSide, type Side, type SideInput, type SideOptions } from './diff/load-side.ts'
export { diffSystems, type DiffOptions, type DiffResult } from './diff/diff-systems.ts'
export { asFinding } from './diff/render/as-finding.ts'
export { diffMarkdown } from './diff/render/markdown.ts'
export { diffReport } from './diff/render/human.ts'
export { diffRules, reportRules } from './diff/rules.ts'
export type { DocumentVerdict, Verdict } from './diff/verdict.ts'
export type { Bump, Consumer, DiffFinding, DiffRule, Level, Policy } from './diff/model.ts'
export { impactOfDown, type DownEffect, type DownImpact, type DownStep, type Outcome } from './impact/down.ts'
export { impactOf, type Dependent, type Impact, type Mention } from './impact/impact.ts'
