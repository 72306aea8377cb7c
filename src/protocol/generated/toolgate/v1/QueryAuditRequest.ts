// Original file: proto/toolgate/v1/audit.proto

import type { AuditFilter as _toolgate_v1_AuditFilter, AuditFilter__Output as _toolgate_v1_AuditFilter__Output } from '../../toolgate/v1/AuditFilter.js';

export interface QueryAuditRequest {
  'filter'?: (_toolgate_v1_AuditFilter | null);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface QueryAuditRequest__Output {
  'filter': (_toolgate_v1_AuditFilter__Output | null);
  'pageSize': (number);
  'pageToken': (string);
}
