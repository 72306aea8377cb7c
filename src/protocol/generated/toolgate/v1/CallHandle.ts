// Original file: proto/toolgate/v1/gateway.proto

import type { Long } from '@grpc/proto-loader';

export interface CallHandle {
  'callId'?: (string);
  'toolset'?: (string);
  'tool'?: (string);
  'epoch'?: (number | string | Long);
  'digest'?: (string);
  'deadlineMs'?: (number | string | Long);
  'expiresMs'?: (number | string | Long);
  'warnings'?: (string)[];
}

export interface CallHandle__Output {
  'callId': (string);
  'toolset': (string);
  'tool': (string);
  'epoch': (number);
  'digest': (string);
  'deadlineMs': (number);
  'expiresMs': (number);
  'warnings': (string)[];
}
