// Original file: proto/toolgate/v1/dead_calls.proto

import type { CallMeta as _toolgate_v1_CallMeta, CallMeta__Output as _toolgate_v1_CallMeta__Output } from '../../toolgate/v1/CallMeta.js';
import type { Long } from '@grpc/proto-loader';

export interface DeadCall {
  'id'?: (string);
  'callId'?: (string);
  'toolset'?: (string);
  'tool'?: (string);
  'epoch'?: (number | string | Long);
  'reason'?: (string);
  'attempts'?: (number);
  'diedAtMs'?: (number | string | Long);
  'payloadBytes'?: (number);
  'meta'?: (_toolgate_v1_CallMeta | null);
}

export interface DeadCall__Output {
  'id': (string);
  'callId': (string);
  'toolset': (string);
  'tool': (string);
  'epoch': (number);
  'reason': (string);
  'attempts': (number);
  'diedAtMs': (number);
  'payloadBytes': (number);
  'meta': (_toolgate_v1_CallMeta__Output | null);
}
