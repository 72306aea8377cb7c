// Original file: proto/toolgate/v1/gateway.proto

import type { CallMeta as _toolgate_v1_CallMeta, CallMeta__Output as _toolgate_v1_CallMeta__Output } from '../../toolgate/v1/CallMeta.js';
import type { WaitPolicy as _toolgate_v1_WaitPolicy, WaitPolicy__Output as _toolgate_v1_WaitPolicy__Output } from '../../toolgate/v1/WaitPolicy.js';
import type { OnDisconnect as _toolgate_v1_OnDisconnect, OnDisconnect__Output as _toolgate_v1_OnDisconnect__Output } from '../../toolgate/v1/OnDisconnect.js';

export interface CallSpec {
  'toolset'?: (string);
  'tool'?: (string);
  'payloadJson'?: (Buffer | Uint8Array | string);
  'meta'?: (_toolgate_v1_CallMeta | null);
  'expectDigest'?: (string);
  'wait'?: (_toolgate_v1_WaitPolicy);
  'onDisconnect'?: (_toolgate_v1_OnDisconnect);
  'timeoutMs'?: (number);
  'lostNodes'?: (number);
  'webhook'?: (string);
}

export interface CallSpec__Output {
  'toolset': (string);
  'tool': (string);
  'payloadJson': (Buffer);
  'meta': (_toolgate_v1_CallMeta__Output | null);
  'expectDigest': (string);
  'wait': (_toolgate_v1_WaitPolicy__Output);
  'onDisconnect': (_toolgate_v1_OnDisconnect__Output);
  'timeoutMs': (number);
  'lostNodes': (number);
  'webhook': (string);
}
