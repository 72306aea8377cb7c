// Original file: proto/toolgate/v1/registry.proto

import type { CallMeta as _toolgate_v1_CallMeta, CallMeta__Output as _toolgate_v1_CallMeta__Output } from '../../toolgate/v1/CallMeta.js';
import type { Long } from '@grpc/proto-loader';

export interface ProviderCall {
  'callId'?: (string);
  'tool'?: (string);
  'payloadJson'?: (Buffer | Uint8Array | string);
  'attempt'?: (number);
  'deadlineMs'?: (number | string | Long);
  'timeoutMs'?: (number);
  'meta'?: (_toolgate_v1_CallMeta | null);
}

export interface ProviderCall__Output {
  'callId': (string);
  'tool': (string);
  'payloadJson': (Buffer);
  'attempt': (number);
  'deadlineMs': (number);
  'timeoutMs': (number);
  'meta': (_toolgate_v1_CallMeta__Output | null);
}
