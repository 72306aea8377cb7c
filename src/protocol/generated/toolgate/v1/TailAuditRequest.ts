// Original file: proto/toolgate/v1/audit.proto

import type { AuditFilter as _toolgate_v1_AuditFilter, AuditFilter__Output as _toolgate_v1_AuditFilter__Output } from '../../toolgate/v1/AuditFilter.js';

export interface TailAuditRequest {
  'filter'?: (_toolgate_v1_AuditFilter | null);
}

export interface TailAuditRequest__Output {
  'filter': (_toolgate_v1_AuditFilter__Output | null);
}
