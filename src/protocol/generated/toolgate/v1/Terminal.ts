// Original file: proto/toolgate/v1/gateway.proto

import type { TerminalKind as _toolgate_v1_TerminalKind, TerminalKind__Output as _toolgate_v1_TerminalKind__Output } from '../../toolgate/v1/TerminalKind.js';
import type { CallError as _toolgate_v1_CallError, CallError__Output as _toolgate_v1_CallError__Output } from '../../toolgate/v1/CallError.js';
import type { Executed as _toolgate_v1_Executed, Executed__Output as _toolgate_v1_Executed__Output } from '../../toolgate/v1/Executed.js';
import type { Long } from '@grpc/proto-loader';

export interface Terminal {
  'callId'?: (string);
  'kind'?: (_toolgate_v1_TerminalKind);
  'resultJson'?: (Buffer | Uint8Array | string);
  'error'?: (_toolgate_v1_CallError | null);
  'executed'?: (_toolgate_v1_Executed);
  'attempt'?: (number);
  'endedAtMs'?: (number | string | Long);
  'unchecked'?: (boolean);
}

export interface Terminal__Output {
  'callId': (string);
  'kind': (_toolgate_v1_TerminalKind__Output);
  'resultJson': (Buffer);
  'error': (_toolgate_v1_CallError__Output | null);
  'executed': (_toolgate_v1_Executed__Output);
  'attempt': (number);
  'endedAtMs': (number);
  'unchecked': (boolean);
}
