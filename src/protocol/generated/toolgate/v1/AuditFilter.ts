// Original file: proto/toolgate/v1/audit.proto

import type { Long } from '@grpc/proto-loader';

export interface AuditFilter {
  'tenant'?: (string);
  'fromMs'?: (number | string | Long);
  'untilMs'?: (number | string | Long);
  'principal'?: (string);
  'event'?: (string);
  'toolset'?: (string);
  'tool'?: (string);
  'callId'?: (string);
  'outcome'?: (string);
}

export interface AuditFilter__Output {
  'tenant': (string);
  'fromMs': (number);
  'untilMs': (number);
  'principal': (string);
  'event': (string);
  'toolset': (string);
  'tool': (string);
  'callId': (string);
  'outcome': (string);
}
