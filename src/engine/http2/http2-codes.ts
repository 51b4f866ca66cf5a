/** Why a stream or a connection ends (RFC 9113 §7): those that are used here. */
export const http2Code = {
  noError: 0x0,
  internalError: 0x2,
  refusedStream: 0x7,
  cancel: 0x8,
  enhanceYourCalm: 0xb,
} as const

/** RFC 9113 §6.2: the flag of a frame behind which its sender sends no more. */
export const END_STREAM = 0x1
