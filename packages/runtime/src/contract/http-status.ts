/**
 * The status codes of the IANA registry, by class, of final answers (`1xx` are none). A contract's `4XX` or `default` answer has these as its type, less
 * the ones declared by themselves, so that `switch (answer.status)` narrows.
 */
export type SuccessStatus = 200 | 201 | 202 | 203 | 204 | 205 | 206 | 207 | 208 | 226
export type RedirectionStatus = 300 | 301 | 302 | 303 | 304 | 305 | 307 | 308
export type ClientErrorStatus =
  | (400 | 401 | 402 | 403 | 404 | 405 | 406 | 407 | 408 | 409 | 410 | 411 | 412 | 413 | 414 | 415 | 416 | 417)
  | (421 | 422 | 423 | 424 | 425 | 426 | 428 | 429 | 431 | 451)
export type ServerErrorStatus = 500 | 501 | 502 | 503 | 504 | 505 | 506 | 507 | 508 | 510 | 511
export type HttpStatus = SuccessStatus | RedirectionStatus | ClientErrorStatus | ServerErrorStatus
