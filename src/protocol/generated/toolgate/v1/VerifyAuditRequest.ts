// Original file: proto/toolgate/v1/audit.proto

import type { Long } from '@grpc/proto-loader';

export interface VerifyAuditRequest {
  'fromMs'?: (number | string | Long);
}

export interface VerifyAuditRequest__Output {
  'fromMs': (number);
}
