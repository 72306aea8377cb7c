// Original file: proto/toolgate/v1/gateway.proto

export const Executed = {
  EXECUTED_UNSPECIFIED: 'EXECUTED_UNSPECIFIED',
  EXECUTED_NO: 'EXECUTED_NO',
  EXECUTED_YES: 'EXECUTED_YES',
  EXECUTED_UNKNOWN: 'EXECUTED_UNKNOWN',
} as const;

export type Executed =
  | 'EXECUTED_UNSPECIFIED'
  | 0
  | 'EXECUTED_NO'
  | 1
  | 'EXECUTED_YES'
  | 2
  | 'EXECUTED_UNKNOWN'
  | 3

export type Executed__Output = typeof Executed[keyof typeof Executed]
