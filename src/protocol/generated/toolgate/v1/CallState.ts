// Original file: proto/toolgate/v1/gateway.proto

export const CallState = {
  CALL_STATE_UNSPECIFIED: 'CALL_STATE_UNSPECIFIED',
  CALL_STATE_QUEUED: 'CALL_STATE_QUEUED',
  CALL_STATE_CLAIMED: 'CALL_STATE_CLAIMED',
  CALL_STATE_ENDED: 'CALL_STATE_ENDED',
} as const;

export type CallState =
  | 'CALL_STATE_UNSPECIFIED'
  | 0
  | 'CALL_STATE_QUEUED'
  | 1
  | 'CALL_STATE_CLAIMED'
  | 2
  | 'CALL_STATE_ENDED'
  | 3

export type CallState__Output = typeof CallState[keyof typeof CallState]
