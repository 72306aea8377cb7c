// Original file: proto/toolgate/v1/gateway.proto

import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from '../../toolgate/v1/CallHandle.js';
import type { CallState as _toolgate_v1_CallState, CallState__Output as _toolgate_v1_CallState__Output } from '../../toolgate/v1/CallState.js';
import type { TerminalKind as _toolgate_v1_TerminalKind, TerminalKind__Output as _toolgate_v1_TerminalKind__Output } from '../../toolgate/v1/TerminalKind.js';
import type { Long } from '@grpc/proto-loader';

export interface CallSummary {
  'handle'?: (_toolgate_v1_CallHandle | null);
  'state'?: (_toolgate_v1_CallState);
  'attempt'?: (number);
  'cancelRequested'?: (boolean);
  'queuedAtMs'?: (number | string | Long);
  'claimEndsMs'?: (number | string | Long);
  'providerId'?: (string);
  'nodeId'?: (string);
  'principal'?: (string);
  'admittedAtMs'?: (number | string | Long);
  'firstClaimedAtMs'?: (number | string | Long);
  'endedAtMs'?: (number | string | Long);
  'kind'?: (_toolgate_v1_TerminalKind);
  'reason'?: (string);
}

export interface CallSummary__Output {
  'handle': (_toolgate_v1_CallHandle__Output | null);
  'state': (_toolgate_v1_CallState__Output);
  'attempt': (number);
  'cancelRequested': (boolean);
  'queuedAtMs': (number);
  'claimEndsMs': (number);
  'providerId': (string);
  'nodeId': (string);
  'principal': (string);
  'admittedAtMs': (number);
  'firstClaimedAtMs': (number);
  'endedAtMs': (number);
  'kind': (_toolgate_v1_TerminalKind__Output);
  'reason': (string);
}
