// Original file: proto/toolgate/v1/audit.proto

import type { AuditFault as _toolgate_v1_AuditFault, AuditFault__Output as _toolgate_v1_AuditFault__Output } from '../../toolgate/v1/AuditFault.js';
import type { Long } from '@grpc/proto-loader';

export interface VerifyAuditResponse {
  'records'?: (number | string | Long);
  'faults'?: (_toolgate_v1_AuditFault)[];
  'sealedUntil'?: (string);
}

export interface VerifyAuditResponse__Output {
  'records': (number);
  'faults': (_toolgate_v1_AuditFault__Output)[];
  'sealedUntil': (string);
}
