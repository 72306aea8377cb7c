// Original file: proto/toolgate/v1/gateway.proto

export const WaitPolicy = {
  WAIT_POLICY_UNSPECIFIED: 'WAIT_POLICY_UNSPECIFIED',
  WAIT_POLICY_FAIL_FAST: 'WAIT_POLICY_FAIL_FAST',
  WAIT_POLICY_WAIT: 'WAIT_POLICY_WAIT',
} as const;

export type WaitPolicy =
  | 'WAIT_POLICY_UNSPECIFIED'
  | 0
  | 'WAIT_POLICY_FAIL_FAST'
  | 1
  | 'WAIT_POLICY_WAIT'
  | 2

export type WaitPolicy__Output = typeof WaitPolicy[keyof typeof WaitPolicy]
