// Original file: proto/toolgate/v1/contract.proto

export const EpochState = {
  EPOCH_STATE_UNSPECIFIED: 'EPOCH_STATE_UNSPECIFIED',
  EPOCH_STATE_CANDIDATE: 'EPOCH_STATE_CANDIDATE',
  EPOCH_STATE_ACTIVE: 'EPOCH_STATE_ACTIVE',
  EPOCH_STATE_RETIRING: 'EPOCH_STATE_RETIRING',
} as const;

export type EpochState =
  | 'EPOCH_STATE_UNSPECIFIED'
  | 0
  | 'EPOCH_STATE_CANDIDATE'
  | 1
  | 'EPOCH_STATE_ACTIVE'
  | 2
  | 'EPOCH_STATE_RETIRING'
  | 3

export type EpochState__Output = typeof EpochState[keyof typeof EpochState]
