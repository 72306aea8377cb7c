// Original file: proto/toolgate/v1/gateway.proto

import type { CallState as _toolgate_v1_CallState, CallState__Output as _toolgate_v1_CallState__Output } from '../../toolgate/v1/CallState.js';

export interface ListCallsRequest {
  'toolset'?: (string);
  'tool'?: (string);
  'state'?: (_toolgate_v1_CallState);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListCallsRequest__Output {
  'toolset': (string);
  'tool': (string);
  'state': (_toolgate_v1_CallState__Output);
  'pageSize': (number);
  'pageToken': (string);
}
