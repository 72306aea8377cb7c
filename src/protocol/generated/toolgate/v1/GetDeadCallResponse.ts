// Original file: proto/toolgate/v1/dead_calls.proto

import type { DeadCall as _toolgate_v1_DeadCall, DeadCall__Output as _toolgate_v1_DeadCall__Output } from '../../toolgate/v1/DeadCall.js';

export interface GetDeadCallResponse {
  'call'?: (_toolgate_v1_DeadCall | null);
  'payloadJson'?: (Buffer | Uint8Array | string);
}

export interface GetDeadCallResponse__Output {
  'call': (_toolgate_v1_DeadCall__Output | null);
  'payloadJson': (Buffer);
}
