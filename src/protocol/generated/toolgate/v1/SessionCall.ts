// Original file: proto/toolgate/v1/gateway.proto

import type { CallSpec as _toolgate_v1_CallSpec, CallSpec__Output as _toolgate_v1_CallSpec__Output } from '../../toolgate/v1/CallSpec.js';
import type { Long } from '@grpc/proto-loader';

export interface SessionCall {
  'ref'?: (number | string | Long);
  'call'?: (_toolgate_v1_CallSpec | null);
  'wantHandle'?: (boolean);
  'wantDeltas'?: (boolean);
}

export interface SessionCall__Output {
  'ref': (number);
  'call': (_toolgate_v1_CallSpec__Output | null);
  'wantHandle': (boolean);
  'wantDeltas': (boolean);
}
