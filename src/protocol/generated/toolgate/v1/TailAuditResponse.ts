// Original file: proto/toolgate/v1/audit.proto

import type { AuditRecord as _toolgate_v1_AuditRecord, AuditRecord__Output as _toolgate_v1_AuditRecord__Output } from '../../toolgate/v1/AuditRecord.js';

export interface TailAuditResponse {
  'records'?: (_toolgate_v1_AuditRecord)[];
}

export interface TailAuditResponse__Output {
  'records': (_toolgate_v1_AuditRecord__Output)[];
}
