export { type EmbeddedPostgres, type EmbeddedPostgresOptions, freePort, startPostgres } from './postgres.ts'
export { endGroup, type GroupOptions, signalGroup, spawnGroup } from './process-group.ts'
