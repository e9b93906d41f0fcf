export { type EmbeddedPostgres, type EmbeddedPostgresOptions, freePort, startPostgres } from './postgres.ts'
export { endGroup, type GroupOptions, runGroup, signalGroup, spawnGroup } from './process-group.ts'
export { makeTemporaryDirectory, type TemporaryDirectory } from './temporary-directory.ts'
