export { absolute, headerLine, readCurl, RequestUnclear, type CurlRequest } from './twice/curl.ts'
export { twice, type TwiceOptions, type TwiceReport } from './twice/twice.ts'
export type { ReadTrial, Reading } from './twice/read-trial.ts'
export type { Outgoing } from './wire/outgoing.ts'
