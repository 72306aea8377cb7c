// Original file: proto/toolgate/v1/audit.proto

import type { Executed as _toolgate_v1_Executed, Executed__Output as _toolgate_v1_Executed__Output } from '../../toolgate/v1/Executed.js';
import type { Long } from '@grpc/proto-loader';

export interface AuditRecord {
  'id'?: (string);
  'atMs'?: (number | string | Long);
  'event'?: (string);
  'tenant'?: (string);
  'principal'?: (string);
  'kind'?: (string);
  'credential'?: (string);
  'verb'?: (string);
  'toolset'?: (string);
  'tool'?: (string);
  'callId'?: (string);
  'argumentsDigest'?: (string);
  'contractDigest'?: (string);
  'policyRevision'?: (number | string | Long);
  'rule'?: (string);
  'outcome'?: (string);
  'reason'?: (string);
  'executed'?: (_toolgate_v1_Executed);
  'tookMs'?: (number | string | Long);
  'nodeId'?: (string);
  'omitted'?: (number | string | Long);
}

export interface AuditRecord__Output {
  'id': (string);
  'atMs': (number);
  'event': (string);
  'tenant': (string);
  'principal': (string);
  'kind': (string);
  'credential': (string);
  'verb': (string);
  'toolset': (string);
  'tool': (string);
  'callId': (string);
  'argumentsDigest': (string);
  'contractDigest': (string);
  'policyRevision': (number);
  'rule': (string);
  'outcome': (string);
  'reason': (string);
  'executed': (_toolgate_v1_Executed__Output);
  'tookMs': (number);
  'nodeId': (string);
  'omitted': (number);
}
