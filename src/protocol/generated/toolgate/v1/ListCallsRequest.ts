// Original file: proto/toolgate/v1/gateway.proto

import type { CallState as _toolgate_v1_CallState, CallState__Output as _toolgate_v1_CallState__Output } from '../../toolgate/v1/CallState.js';
import type { TerminalKind as _toolgate_v1_TerminalKind, TerminalKind__Output as _toolgate_v1_TerminalKind__Output } from '../../toolgate/v1/TerminalKind.js';
import type { Long } from '@grpc/proto-loader';

export interface ListCallsRequest {
  'toolset'?: (string);
  'tool'?: (string);
  'state'?: (_toolgate_v1_CallState);
  'pageSize'?: (number);
  'pageToken'?: (string);
  'principal'?: (string);
  'kinds'?: (_toolgate_v1_TerminalKind)[];
  'minTotalMs'?: (number | string | Long);
  'sinceMs'?: (number | string | Long);
}

export interface ListCallsRequest__Output {
  'toolset': (string);
  'tool': (string);
  'state': (_toolgate_v1_CallState__Output);
  'pageSize': (number);
  'pageToken': (string);
  'principal': (string);
  'kinds': (_toolgate_v1_TerminalKind__Output)[];
  'minTotalMs': (number);
  'sinceMs': (number);
}
