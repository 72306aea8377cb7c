// Original file: proto/toolgate/v1/gateway.proto

import type { CallSpec as _toolgate_v1_CallSpec, CallSpec__Output as _toolgate_v1_CallSpec__Output } from '../../toolgate/v1/CallSpec.js';

export interface CallToolRequest {
  'call'?: (_toolgate_v1_CallSpec | null);
}

export interface CallToolRequest__Output {
  'call': (_toolgate_v1_CallSpec__Output | null);
}
