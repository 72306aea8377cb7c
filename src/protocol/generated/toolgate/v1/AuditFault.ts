// Original file: proto/toolgate/v1/audit.proto


export interface AuditFault {
  'id'?: (string);
  'message'?: (string);
}

export interface AuditFault__Output {
  'id': (string);
  'message': (string);
}
