// Original file: proto/toolgate/v1/registry.proto

import type { FieldViolation as _toolgate_v1_FieldViolation, FieldViolation__Output as _toolgate_v1_FieldViolation__Output } from '../../toolgate/v1/FieldViolation.js';

export interface SkippedPart {
  'tool'?: (string);
  'resultSchemaOnly'?: (boolean);
  'violations'?: (_toolgate_v1_FieldViolation)[];
}

export interface SkippedPart__Output {
  'tool': (string);
  'resultSchemaOnly': (boolean);
  'violations': (_toolgate_v1_FieldViolation__Output)[];
}
